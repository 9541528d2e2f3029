//! From bytes to a plugin: size, form, code, contract, types, `describe`, manifest, in this order,
//! so that the first thing wrong is the one that is told.

use std::path::Path;

use wasmtime::component::Component;

use super::apart;
use super::cache::CodeCache;
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
        self.load_compiled(component, false).await
    }

    /// The same, compiled in a process of its own where [`super::compile_apart_by`] has named one: for
    /// what neither the binary nor the operator's file brings.
    ///
    /// # Errors
    ///
    /// As [`Engine::load`], and [`LoadError::Compiler`].
    pub async fn load_apart(&self, component: &[u8]) -> Result<Plugin, LoadError> {
        self.load_compiled(component, true).await
    }

    async fn load_compiled(&self, component: &[u8], apart: bool) -> Result<Plugin, LoadError> {
        let limit = self.limits().component_bytes;
        if component.len() > limit {
            return Err(LoadError::TooLarge {
                size: component.len(),
                limit,
            });
        }
        check_form(component)?;
        let digest = Digest::of(component);
        let compiled = match apart::program().filter(|_| apart) {
            Some(program) => self.compile_apart(program, digest, component).await?,
            None => self.compile(digest, component.to_vec()).await?,
        };
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

    async fn compile_apart(
        &self,
        program: &Path,
        digest: Digest,
        component: &[u8],
    ) -> Result<Component, LoadError> {
        let host = |error: String| LoadError::Host(error);
        let _alone = self.compiling().acquire().await;
        if let Some(cache) = self.cache() {
            if let Some(compiled) = cache.read(self.wasmtime(), &digest) {
                return Ok(compiled);
            }
            apart::compile(program, cache.folder(), component).await?;
            return cache
                .read(self.wasmtime(), &digest)
                .ok_or_else(|| host("the compiler left no code".to_owned()));
        }
        let folder = tempfile::TempDir::with_prefix("besom-code-");
        let folder = folder.map_err(|error| host(error.to_string()))?;
        apart::compile(program, folder.path(), component).await?;
        let cache = CodeCache::open(folder.path().to_owned(), self.wasmtime());
        let cache = cache.map_err(|error| host(error.to_string()))?;
        cache
            .read(self.wasmtime(), &digest)
            .ok_or_else(|| host("the compiler left no code".to_owned()))
    }

    /// Compiles a component into the cache, and makes no use of it.
    pub(super) fn precompile(&self, component: &[u8]) -> Result<(), String> {
        check_form(component).map_err(|error| error.to_string())?;
        let code = self
            .wasmtime()
            .precompile_component(component)
            .map_err(|error| error.root_cause().to_string())?;
        let kept = self
            .cache()
            .map(|cache| cache.keep(&Digest::of(component), &code));
        match kept {
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(())) | None => Ok(()),
        }
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
