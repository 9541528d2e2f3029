//! Starts a PgBouncer, prints its folder, and waits to be killed: what the harness's own test needs, to
//! see that it does not outlive its process.

use besom_tests::pgbouncer::{PgBouncer, PgBouncerOptions, Program};

fn main() -> anyhow::Result<()> {
    let program = Program::find().ok_or_else(|| anyhow::anyhow!("there is no PgBouncer"))?;
    // Nobody connects through it.
    let nowhere = "postgres://nobody@localhost/nothing?host=/tmp";
    let bouncer = PgBouncer::start(&program, nowhere, &PgBouncerOptions::default());
    println!("{}", bouncer.folder().display());
    loop {
        std::thread::park();
    }
}
