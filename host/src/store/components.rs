//! Components by their digest.

use crate::database::{Cells, Database, Session, Statement};
use crate::ledger::{micros, write_now};
use crate::plugin::{Digest, Engine, Plugin, Signature};
use crate::request::Timestamp;

use super::rows::{digest, fetch, text, words};
use super::{StoreError, Trust, Who};

/// A component in the ledger, without its bytes.
#[derive(Debug, Clone)]
pub struct Component {
    /// The SHA-256 under which it lies.
    pub digest: Digest,
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who vouches for it.
    pub signature: Option<Signature>,
    /// Who put it there.
    pub by: String,
    /// Where it came from.
    pub origin: String,
    /// Since when.
    pub at: Timestamp,
}

/// The columns of [`Component`].
const COLUMNS: &str = "digest, name, version, signature, stored_by, origin, ";

fn of_row(row: &Cells) -> Option<Component> {
    Some(Component {
        digest: digest(row.get(0))?,
        name: words(row.get(1))?,
        version: words(row.get(2))?,
        signature: row.get(3).as_text().and_then(|text| text.parse().ok()),
        by: words(row.get(4))?,
        origin: words(row.get(5))?,
        at: Timestamp(row.get(6).as_integer()?),
    })
}

/// Every component, the newest first.
///
/// # Errors
/// What the database says.
pub async fn components(database: &Database) -> Result<Vec<Component>, StoreError> {
    let mut session = database.session().await?;
    let mut w = select(&session);
    w.push(" ORDER BY stored_at DESC, digest");
    Ok(fetch(&mut session, &w)
        .await?
        .iter()
        .filter_map(of_row)
        .collect())
}

/// One component.
///
/// # Errors
/// What the database says.
pub async fn component(
    database: &Database,
    digest: &Digest,
) -> Result<Option<Component>, StoreError> {
    let mut session = database.session().await?;
    let mut w = select(&session);
    w.push(" WHERE digest = ").bind(digest.to_string());
    Ok(fetch(&mut session, &w).await?.first().and_then(of_row))
}

fn select(session: &Session) -> Statement {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT ").push(COLUMNS);
    w.push(&micros(session.dialect(), "stored_at"));
    w.push(" FROM besom_component");
    w
}

/// Another component of the same name and version.
pub(crate) async fn namesake_of(
    database: &Database,
    one: &Digest,
    name: &str,
    version: &str,
) -> Result<Option<Digest>, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT digest FROM besom_component WHERE name = ")
        .bind(name);
    w.push(" AND version = ").bind(version);
    w.push(" AND digest <> ")
        .bind(one.to_string())
        .push(" LIMIT 1");
    let rows = fetch(&mut session, &w).await?;
    Ok(rows.first().and_then(|row| digest(row.get(0))))
}

/// Puts a component there. One that is there already gets the bytes and the signature anew, because
/// what lies there may have been changed.
pub(super) async fn keep(
    session: &mut Session,
    plugin: &Plugin,
    bytes: &[u8],
    signature: Option<&Signature>,
    who: &Who,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut w = Statement::new(session.dialect());
    w.push(
        "INSERT INTO besom_component (digest, bytes, name, version, signature, key, stored_by, origin, \
         stored_at) VALUES (",
    );
    w.bind(plugin.digest().to_string());
    w.push(", ")
        .bind(crate::database::Bind::Blob(bytes.to_vec()));
    w.push(", ").bind(plugin.manifest().name.as_str());
    w.push(", ").bind(plugin.manifest().version.to_string());
    let signed = signature.map(ToString::to_string);
    let key = signature.map(|signature| signature.key().to_string());
    w.push(", ").bind(text(signed.as_deref()));
    w.push(", ").bind(text(key.as_deref()));
    w.push(", ").bind(who.name.as_str());
    w.push(", ").bind(who.origin.as_str()).push(", ");
    write_now(&mut w, now);
    w.push(
        ") ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, name = excluded.name, \
         version = excluded.version, signature = excluded.signature, key = excluded.key, \
         stored_by = excluded.stored_by, origin = excluded.origin, stored_at = excluded.stored_at",
    );
    fetch(session, &w).await.map(drop)
}

/// The size of a component in bytes; `None` where there is no such component.
///
/// # Errors
/// What the database says.
pub async fn size(session: &mut Session, digest: &Digest) -> Result<Option<u64>, StoreError> {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT CAST(length(bytes) AS bigint) FROM besom_component WHERE digest = ")
        .bind(digest.to_string());
    let rows = fetch(session, &w).await?;
    Ok(rows.first().map(|row| row.get(0).as_count()))
}

/// What a component of the ledger is loaded under.
#[derive(Debug)]
pub struct Load<'a> {
    /// Where it lies.
    pub database: &'a Database,
    /// What it runs on.
    pub engine: &'a Engine,
    /// The plugin that it is to be.
    pub plugin: &'a str,
    /// What the file says about it.
    pub trust: &'a Trust,
}

/// Loads a component, trusting nothing that the ledger says of it. One that is `known`, because this
/// process has loaded it before, is held against the file's word again and not read again.
///
/// # Errors
/// The first thing that is wrong with it.
pub async fn load(
    by: &Load<'_>,
    digest: &Digest,
    known: Option<&Plugin>,
) -> Result<Plugin, StoreError> {
    let found = component(by.database, digest).await?;
    let found = found.ok_or(StoreError::Unknown(*digest))?;
    let other_name = |described: String| StoreError::OtherName {
        digest: *digest,
        described,
        stored: format!("{} {}", by.plugin, found.version),
    };
    // Before any of its code is even compiled.
    let signature = found.signature.as_ref();
    by.trust
        .admit(digest, by.plugin, &found.version, signature)?;
    let plugin = match known {
        Some(known) => known.clone(),
        None => read(by, digest).await?,
    };
    let manifest = plugin.manifest();
    if manifest.name != by.plugin || manifest.version.to_string() != found.version {
        return Err(other_name(format!(
            "{} {}",
            manifest.name, manifest.version
        )));
    }
    Ok(plugin)
}

async fn read(by: &Load<'_>, digest: &Digest) -> Result<Plugin, StoreError> {
    let mut session = by.database.session().await?;
    let size = size(&mut session, digest).await?.unwrap_or_default();
    let limit = by.engine.limits().component_bytes;
    if usize::try_from(size).is_ok_and(|size| size > limit) {
        let digest = *digest;
        return Err(StoreError::TooLarge {
            digest,
            size,
            limit,
        });
    }
    let mut w = Statement::new(session.dialect());
    w.push("SELECT bytes FROM besom_component WHERE digest = ")
        .bind(digest.to_string());
    let row = session.fetch_one(&w).await.map_err(StoreError::of)?;
    drop(session);
    let crate::database::Cell::Blob(bytes) = row.get(0) else {
        return Err(StoreError::Unknown(*digest));
    };
    let found = Digest::of(bytes);
    if found != *digest {
        let digest = *digest;
        return Err(StoreError::OtherBytes { digest, found });
    }
    Ok(by.engine.load_apart(bytes).await?)
}
