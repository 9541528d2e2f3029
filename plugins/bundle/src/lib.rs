//! The plugins that ship inside the besom binary, as WebAssembly components.
//!
//! The build script builds them, or takes ready-made ones from the folder that `BESOM_PLUGINS_DIR`
//! names. To bundle one more, add its name to the list in `build/main.rs`.
//!
//! ```
//! let names: Vec<_> = besom_bundle::PLUGINS.iter().map(|plugin| plugin.name).collect();
//! assert!(names.contains(&"tokens"));
//! ```

/// One bundled plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundled {
    /// The plugin's name, as its manifest and the operator's file say it.
    pub name: &'static str,
    /// The component, as `wasm32-wasip2` builds it.
    pub component: &'static [u8],
}

/// The bundled plugins.
pub const PLUGINS: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    /// `\0asm`, then the version and layer that mark a component; a core module has 1 and 0.
    const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn every_bundled_plugin_is_a_component_and_not_a_core_module() {
        assert!(!PLUGINS.is_empty());
        for plugin in PLUGINS {
            assert!(plugin.component.starts_with(&COMPONENT), "{}", plugin.name);
        }
    }

    #[test]
    fn no_bundled_plugin_tells_where_it_was_built() {
        let checkout = env!("CARGO_MANIFEST_DIR")
            .trim_end_matches("/plugins/bundle")
            .as_bytes();
        for plugin in PLUGINS {
            let mut parts = plugin.component.windows(checkout.len());
            assert!(!parts.any(|part| part == checkout), "{}", plugin.name);
        }
    }
}
