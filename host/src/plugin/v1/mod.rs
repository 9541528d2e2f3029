//! Version 1 of the contract: conversion to and from the host's own types, and nothing else.

mod conditions;
mod context;
mod jobs;
mod rows;
mod sweeps;

use wasmtime::component::{HasSelf, Linker};

use crate::request::Fault;

use super::error::Cause;
use super::guest::State;

pub(super) use jobs::{access, describe, preflight, run};

/// A linked component, ready to be instantiated.
pub(super) type Component = bindings::PluginPre<State>;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used
)]
#[allow(clippy::indexing_slicing, clippy::panic)] // generated
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/v1",
        world: "besom:cleanup/plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "besom:cleanup/types.condition": crate::plugin::tree::Tree,
            "besom:cleanup/sweeps.sweep": crate::plugin::sweeping::Draft,
            "besom:cleanup/rows.reader": crate::plugin::reading::ReadDraft,
        },
        trappable_error_type: { "besom:cleanup/types.error" => super::Refusal },
        require_store_data_send: true,
    });
}

/// Why a call of the guest's gets no answer.
pub(super) enum Refusal {
    /// The guest is told.
    Fault(Fault),
    /// The guest is stopped.
    Stop(wasmtime::Error),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Stop(wasmtime::Error::new(cause))
    }
}

impl From<wasmtime::component::ResourceTableError> for Refusal {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Stop(wasmtime::Error::new(error))
    }
}

/// Offers every import of the world.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::Plugin::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Checks a component against the world, imports and exports, name by name and type by type.
pub(super) fn link(
    linker: &Linker<State>,
    component: &wasmtime::component::Component,
) -> wasmtime::Result<Component> {
    bindings::PluginPre::new(linker.instantiate_pre(component)?)
}
