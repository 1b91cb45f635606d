//! A run for the tests of the host to kill: starts one function (the binary named by the first argument), tells its
//! process id, and stays.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use attache_local::lambda::Alone;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let binary = std::env::args_os()
        .nth(1)
        .context("the function's binary is missing")?;
    let settings = BTreeMap::from([("MODE".to_owned(), "command".to_owned())]);
    let function = Alone::new(&PathBuf::from(binary), settings).await?;
    let answer = function.invoke("{}").await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    println!("function process {}", answer["process"]);
    std::future::pending().await
}
