//! From bytes to a plugin: size, form, code, contract, types, `describe`, manifest, in this order,
//! so that the first thing wrong is the one that is told.

use wasmtime::component::Component;

use super::call::{self, Plugin};
use super::contract;
use super::digest::Digest;
use super::engine::Engine;
use super::error::LoadError;
use super::manifest::Manifest;
use super::v1;

/// How every WebAssembly file begins.
const MAGIC: &[u8] = b"\0asm";
/// What follows it in a component: version 13 of layer 1.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
/// What follows it in a core module.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

impl Engine {
    /// Compiles a component (or takes its code from the cache), checks that it is a plugin of
    /// this host's contract, and asks it what it is.
    ///
    /// Nothing of the component runs before its imports and exports have been checked, and
    /// `describe` runs under the limits. Compiling happens on a thread of its own.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names the first thing that is wrong and what to do about it.
    pub async fn load(&self, component: &[u8]) -> Result<Plugin, LoadError> {
        let limit = self.limits().component_bytes;
        if component.len() > limit {
            return Err(LoadError::TooLarge {
                size: component.len(),
                limit,
            });
        }
        check_form(component)?;
        let digest = Digest::of(component);
        let compiled = self.compile(digest, component.to_vec()).await?;
        let imports: Vec<String> = compiled
            .component_type()
            .imports(self.wasmtime())
            .map(|(name, _)| name.to_owned())
            .collect();
        let exports: Vec<String> = compiled
            .component_type()
            .exports(self.wasmtime())
            .map(|(name, _)| name.to_owned())
            .collect();
        let version = contract::check(&imports, &exports)?;
        let linked = v1::link(self.linker(), &compiled)
            .map_err(|error| contract::explain(&version, &error))?;
        let said = call::describe(self, &linked).await?;
        let manifest = Manifest::check(said)?;
        Ok(Plugin::new(
            self.clone(),
            linked,
            manifest,
            digest,
            version.to_string(),
            imports,
        ))
    }

    async fn compile(&self, digest: Digest, bytes: Vec<u8>) -> Result<Component, LoadError> {
        let engine = self.clone();
        let compile = move || {
            let cached = engine
                .cache()
                .and_then(|cache| cache.read(engine.wasmtime(), &digest));
            if let Some(component) = cached {
                return Ok(component);
            }
            let component = Component::from_binary(engine.wasmtime(), &bytes)
                .map_err(|error| LoadError::Damaged(error.root_cause().to_string()))?;
            if let Some(cache) = engine.cache() {
                cache.write(&digest, &component);
            }
            Ok(component)
        };
        tokio::task::spawn_blocking(compile)
            .await
            .unwrap_or_else(|error| Err(LoadError::Host(error.to_string())))
    }
}

/// Tells what the bytes are where they are not a component, which the compiler does not.
fn check_form(bytes: &[u8]) -> Result<(), LoadError> {
    let what = match bytes.strip_prefix(MAGIC) {
        Some(rest) if rest.starts_with(COMPONENT) => return Ok(()),
        Some(rest) if rest.starts_with(CORE_MODULE) => "it is a core module",
        Some(rest) if rest.len() < COMPONENT.len() => "it ends within its first eight bytes",
        Some(_) => "it is of a version of WebAssembly that this host does not know",
        None if bytes.is_empty() => "the file is empty",
        None if bytes.starts_with(b"\x7fELF") => "it is a native program",
        None if std::str::from_utf8(bytes).is_ok() => "it is text",
        None => "it does not begin as WebAssembly does",
    };
    Err(LoadError::NotAComponent(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_component_is_told_apart() {
        let cases: [(&[u8], &str); 6] = [
            (b"", "empty"),
            (b"(component)", "text"),
            (b"\0asm\x01\0\0\0", "core module"),
            (b"\0asm\x0d", "first eight bytes"),
            (b"\0asm\x63\0\x01\0", "a version of WebAssembly"),
            (b"\xff\xfe\0", "does not begin as WebAssembly"),
        ];
        for (bytes, words) in cases {
            let error = check_form(bytes).map_err(|error| error.to_string());

            assert!(
                error.as_ref().is_err_and(|text| text.contains(words)),
                "{words}: {error:?}"
            );
        }
        assert!(check_form(b"\0asm\x0d\0\x01\0rest").is_ok());
    }
}
