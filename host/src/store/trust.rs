//! Whether the operator's file lets a version in. The ledger has no say in it.

use crate::config::{Config, InstallPolicy, PluginConfig};
use crate::plugin::{Digest, PublicKey, Signature};

/// What the file says about installed versions of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    policy: InstallPolicy,
    pin: Option<Digest>,
    keys: Vec<PublicKey>,
    /// The plugin names keys of its own, which hold under every policy.
    own_keys: bool,
}

/// Why the file does not let a version in, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No installed version runs.
    #[error("[store] install = \"off\": no installed version runs here")]
    Off,
    /// Another digest is pinned.
    #[error("the file pins another component: digest = \"{0}\"")]
    OtherPin(Digest),
    /// Nothing is pinned, and only pinned versions run.
    #[error(
        "[store] install = \"pinned\", and [plugins.{plugin}] pins none; to let this one in write \
         digest = \"{digest}\""
    )]
    NotPinned {
        /// The plugin.
        plugin: String,
        /// What would have to be pinned.
        digest: Digest,
    },
    /// Nobody signed it.
    #[error(
        "it is not signed, and the file wants a signature: `besom plugin sign FILE --key KEY` makes one; \
         or say otherwise by [store] install"
    )]
    Unsigned,
    /// Signed by a key that the file does not name.
    #[error("it is signed by {0}, which is not among the trusted-keys of the file")]
    UnknownKey(PublicKey),
    /// The signature is not over this component.
    #[error(
        "its signature by {0} is not over this digest, name and version: it is another component's, or one \
         of the two was tampered with; sign this one, if it is yours"
    )]
    Forged(PublicKey),
}

impl Trust {
    /// What the file says about a plugin.
    pub fn of(config: &Config, plugin: &PluginConfig) -> Self {
        let own_keys = !plugin.trusted_keys.is_empty();
        let keys = match own_keys {
            true => &plugin.trusted_keys,
            false => &config.store.trusted_keys,
        };
        Self {
            policy: config.store.install,
            pin: plugin.digest,
            keys: keys.clone(),
            own_keys,
        }
    }

    /// Whether this version may run. A pin and a plugin's own keys hold under every policy.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(
        &self,
        digest: &Digest,
        name: &str,
        version: &str,
        signature: Option<&Signature>,
    ) -> Result<(), Untrusted> {
        if self.policy == InstallPolicy::Off {
            return Err(Untrusted::Off);
        }
        match &self.pin {
            Some(pin) if pin != digest => return Err(Untrusted::OtherPin(*pin)),
            None if self.policy == InstallPolicy::Pinned => {
                return Err(Untrusted::NotPinned {
                    plugin: name.to_owned(),
                    digest: *digest,
                });
            }
            Some(_) | None => {}
        }
        if self.policy != InstallPolicy::Signed && !self.own_keys {
            return Ok(());
        }
        let signature = signature.ok_or(Untrusted::Unsigned)?;
        if !self.keys.contains(signature.key()) {
            return Err(Untrusted::UnknownKey(*signature.key()));
        }
        match signature.vouches_for(digest, name, version) {
            true => Ok(()),
            false => Err(Untrusted::Forged(*signature.key())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plugin::SecretKey;

    fn trust(policy: InstallPolicy, pin: Option<Digest>, keys: &[PublicKey]) -> Trust {
        Trust {
            policy,
            pin,
            keys: keys.to_vec(),
            own_keys: false,
        }
    }

    #[test]
    fn each_policy_lets_in_what_it_says() {
        let digest = Digest::of(b"one");
        let other = Digest::of(b"two");
        let admit = |trust: Trust| trust.admit(&digest, "a", "1.0.0", None);

        assert_eq!(
            admit(trust(InstallPolicy::Off, Some(digest), &[])),
            Err(Untrusted::Off)
        );
        assert_eq!(admit(trust(InstallPolicy::Any, None, &[])), Ok(()));
        assert_eq!(
            admit(trust(InstallPolicy::Any, Some(other), &[])),
            Err(Untrusted::OtherPin(other))
        );
        assert_eq!(
            admit(trust(InstallPolicy::Pinned, Some(digest), &[])),
            Ok(())
        );
        assert!(matches!(
            admit(trust(InstallPolicy::Pinned, None, &[])),
            Err(Untrusted::NotPinned { .. })
        ));
        assert_eq!(
            admit(trust(InstallPolicy::Signed, Some(digest), &[])),
            Err(Untrusted::Unsigned)
        );
    }

    #[test]
    fn a_signature_must_be_by_a_trusted_key_and_over_this_very_version() {
        let key = SecretKey::generate().unwrap();
        let stranger = SecretKey::generate().unwrap();
        let digest = Digest::of(b"one");
        let trust = trust(InstallPolicy::Signed, None, &[key.public().unwrap()]);
        let signed = |key: &SecretKey, version: &str| {
            let signature = key.sign(&digest, "a", version).unwrap();
            trust.admit(&digest, "a", "1.0.0", Some(&signature))
        };

        assert_eq!(signed(&key, "1.0.0"), Ok(()));
        assert_eq!(
            signed(&key, "0.9.0"),
            Err(Untrusted::Forged(key.public().unwrap()))
        );
        assert_eq!(
            signed(&stranger, "1.0.0"),
            Err(Untrusted::UnknownKey(stranger.public().unwrap()))
        );
    }

    #[test]
    fn keys_of_the_plugins_own_hold_where_anything_may_be_installed() {
        let key = SecretKey::generate().unwrap();
        let trust = Trust {
            own_keys: true,
            ..trust(InstallPolicy::Any, None, &[key.public().unwrap()])
        };

        let refused = trust.admit(&Digest::of(b"one"), "a", "1.0.0", None);

        assert_eq!(refused, Err(Untrusted::Unsigned));
    }
}
