//! An authorised request and a window, as SQL and binds, in both dialects.
//!
//! Only [`crate::scope::Authorized`] requests are written. Identifiers come from the catalog,
//! values are always bound. Nothing here talks to a database: a [`Plan`] answers
//! [`crate::database::Statement`]s, and [`crate::sweep`] runs them.

mod apart;
mod assign;
mod axis;
mod batch;
mod chains;
mod collation;
mod condition;
mod dangling;
mod dependents;
mod eligible;
mod family;
mod fit;
mod gaps;
mod id;
mod inlined;
mod instant;
mod lacking;
mod leaning;
mod locking;
mod measure;
mod named;
mod newest;
mod oldest;
mod page;
mod pairs;
mod physical;
mod pick;
mod plan;
mod possible;
mod presence;
mod read_times;
mod relation;
mod remains;
mod sample;
mod schema;
mod scout;
mod shown;
mod size;
mod source;
mod sqlite;
mod technique;
mod tie;
mod time;
mod truth;
mod two_times;
mod unread;
mod value;
mod weight;
mod window;
mod writer;
mod written;
mod zones;

pub(crate) use apart::Part;
pub use assign::Networks;
pub use axis::Axis;
pub(crate) use batch::TALLY;
pub(crate) use chains::{Hold, Referrer};
pub use locking::Keys;
pub(crate) use page::Shape;
pub use page::{PAGE_BYTES, PAGE_ROWS};
pub(crate) use pairs::Pair;
pub use physical::File;
pub(crate) use physical::{Extent, page_of, start_of};
pub(crate) use pick::{Pick, Picked, forget_picked};
pub use plan::{Forms, Plan, Probe, ReadAs};
pub(crate) use schema::differences;
pub use size::Size;
pub(crate) use size::{read_size, size};
pub use technique::Technique;
pub(crate) use unread::ByForm;
pub use window::{Cursor, Edge, Leaf, Window};
