//! The plugin as a component: the contract's exports, answered by a [`Plugin`]. Only the `export!`
//! macro names anything here.

mod convert;
pub(crate) mod host;

use std::marker::PhantomData;

use crate::index;
use crate::plugin::Plugin;
use bindings::exports::besom::cleanup::jobs;

/// What the contract's definition turns into.
#[allow(missing_docs, unsafe_code, clippy::all, clippy::restriction)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "besom_plugin::component::bindings",
    });
}

/// The exports of a component whose plugin is `P`.
#[derive(Debug)]
pub struct Component<P>(PhantomData<P>);

impl<P: Plugin> jobs::Guest for Component<P> {
    fn describe() -> jobs::Manifest {
        P::describe().into()
    }

    fn access(job: String) -> Result<Vec<jobs::TableAccess>, String> {
        let mut list = P::access(&job).map_err(|error| error.to_string())?;
        // A plugin that does not plan says itself which indexes it goes by.
        for sweep in P::plan(&job).unwrap_or_default() {
            index::name(&sweep, &mut list);
        }
        Ok(list.into_iter().map(Into::into).collect())
    }

    fn preflight(job: String) -> Result<Vec<jobs::Finding>, String> {
        let list = P::preflight(&job).map_err(|error| error.to_string())?;
        Ok(list.into_iter().map(Into::into).collect())
    }

    fn run(job: String) -> Result<(), String> {
        P::run(&job).map_err(|error| error.to_string())
    }
}
