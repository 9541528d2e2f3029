//! Starts a test cluster, prints its folder and the server's pid, and waits to be killed: what the
//! harness's own test needs, to see that the server does not outlive its process.

fn main() -> anyhow::Result<()> {
    let cluster = besom_tests::Cluster::start()?;
    let pid_file = std::fs::read_to_string(cluster.folder().join("data/postmaster.pid"))?;
    let pid = pid_file.lines().next().unwrap_or_default();
    println!("{}\n{pid}", cluster.folder().display());
    loop {
        std::thread::park();
    }
}
