//! Starts a test cluster, prints its folder, the server's pid and a database's URL, and waits to be
//! killed: what the harness's own test needs, to see that the server does not outlive its process.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cluster = besom_tests::Cluster::start()?;
    let pid_file = std::fs::read_to_string(cluster.folder().join("data/postmaster.pid"))?;
    let pid = pid_file.lines().next().unwrap_or_default();
    println!("{}\n{pid}\n{}", cluster.folder().display(), cluster.url("postgres"));
    std::future::pending().await
}
