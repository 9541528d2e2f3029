//! Who vouches for a version of a plugin: ed25519 over its digest, name and version.
//!
//! ```
//! use besom::plugin::{Digest, SecretKey};
//!
//! let key = SecretKey::generate()?;
//! let digest = Digest::of(b"a component");
//! let signature = key.sign(&digest, "tokens", "1.2.0")?;
//!
//! assert!(signature.vouches_for(&digest, "tokens", "1.2.0"));
//! assert!(!signature.vouches_for(&digest, "tokens", "1.3.0"));
//! # Ok::<(), besom::plugin::KeyError>(())
//! ```

use std::fmt;
use std::str::FromStr;

use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::digest::Digest;

/// What a public key begins with, so that nobody mistakes it for a digest.
const PUBLIC: &str = "ed25519:";
/// What a secret key begins with.
const SECRET: &str = "ed25519-secret:";

/// A public key, written `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A secret key, written `ed25519-secret:` and 64 hexadecimal digits. It is never printed by accident.
pub struct SecretKey([u8; 32]);

/// A signature and the key that made it, written `ed25519:KEY:SIGNATURE`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    key: PublicKey,
    bytes: [u8; 64],
}

/// A text that is no key or signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a public key.
    #[error(
        "`{0}` is not a public key: write `ed25519:` and the 64 hexadecimal digits that \
         `besom plugin keygen` prints"
    )]
    Public(String),
    /// Not a secret key. Its text is not repeated.
    #[error("this is not a secret key: `besom plugin keygen` makes one")]
    Secret,
    /// Not a signature.
    #[error("this is not a signature: `besom plugin sign` makes one")]
    Signature,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes for a key")]
    Random,
}

impl PublicKey {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl SecretKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// When there is none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        let filled = SystemRandom::new().fill(&mut seed);
        filled.map_err(|_| KeyError::Random)?;
        Ok(Self(seed))
    }

    /// The key that others know.
    ///
    /// # Errors
    /// Never for a key of 32 bytes, which this is.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        let public = self.pair()?.public_key().as_ref().try_into();
        public.map(PublicKey).map_err(|_| KeyError::Secret)
    }

    /// Vouches for these bytes as this version of this plugin.
    ///
    /// # Errors
    /// As [`SecretKey::public`].
    pub fn sign(&self, digest: &Digest, name: &str, version: &str) -> Result<Signature, KeyError> {
        let signed = self.pair()?.sign(&message(digest, name, version));
        let bytes = signed.as_ref().try_into().map_err(|_| KeyError::Secret)?;
        let key = self.public()?;
        Ok(Signature { key, bytes })
    }

    /// The key as a file holds it.
    pub fn expose(&self) -> String {
        format!("{SECRET}{}", hex(&self.0))
    }

    fn pair(&self) -> Result<Ed25519KeyPair, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(&self.0).map_err(|_| KeyError::Secret)
    }
}

impl Signature {
    /// The key that it claims to be by.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether its key has signed just this.
    pub fn vouches_for(&self, digest: &Digest, name: &str, version: &str) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key.bytes())
            .verify(&message(digest, name, version), &self.bytes)
            .is_ok()
    }
}

/// What is signed. The first line keeps a signature from meaning anything elsewhere; a name and a
/// version have no line breaks.
fn message(digest: &Digest, name: &str, version: &str) -> Vec<u8> {
    format!("besom component v1\n{digest}\n{name}\n{version}\n").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..2 * N).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(PUBLIC).and_then(unhex);
        digits
            .map(Self)
            .ok_or_else(|| KeyError::Public(text.to_owned()))
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(SECRET).and_then(unhex);
        digits.map(Self).ok_or(KeyError::Secret)
    }
}

impl FromStr for Signature {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix(PUBLIC);
        let (key, bytes) = rest
            .and_then(|rest| rest.split_once(':'))
            .ok_or(KeyError::Signature)?;
        match (unhex(key), unhex(bytes)) {
            (Some(key), Some(bytes)) => Ok(Self {
                key: PublicKey(key),
                bytes,
            }),
            _ => Err(KeyError::Signature),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, hex(&self.bytes))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature(by {})", self.key)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_vouches_for_just_what_was_signed() {
        let key = SecretKey::generate().unwrap();
        let digest = Digest::of(b"one");
        let signature = key.sign(&digest, "tokens", "1.0.0").unwrap();

        assert!(signature.vouches_for(&digest, "tokens", "1.0.0"));
        assert!(!signature.vouches_for(&Digest::of(b"two"), "tokens", "1.0.0"));
        assert!(!signature.vouches_for(&digest, "token", "1.0.0"));
        assert!(!signature.vouches_for(&digest, "tokens", "1.0.1"));
        let other = SecretKey::generate().unwrap().public().unwrap();
        let claimed = Signature {
            key: other,
            ..signature
        };
        assert!(!claimed.vouches_for(&digest, "tokens", "1.0.0"));
    }

    #[test]
    fn keys_and_signatures_read_as_they_are_written() {
        let key = SecretKey::generate().unwrap();
        let signature = key.sign(&Digest::of(b"one"), "a", "1.0.0").unwrap();
        let public = key.public().unwrap();

        let again: SecretKey = key.expose().parse().unwrap();
        assert_eq!(again.public().unwrap(), public);
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        let read: Signature = format!("{signature}\n").parse().unwrap();
        assert_eq!((read, *read.key()), (signature, public));
        assert!(!format!("{key:?}").contains(&hex(&key.0)));
        for text in ["", "ed25519:", "ed25519:zz", &"é".repeat(40)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
            assert!(text.parse::<Signature>().is_err(), "{text}");
            assert!(text.parse::<SecretKey>().is_err(), "{text}");
        }
    }
}
