//! TLS fronts before the stand-ins, with one thing wrong each.

use anyhow::{Context, Result, ensure};
use attache_platforms::old_tls::OldTls;
use attache_platforms::tls::{Authority, TlsFault, TlsFront};

use super::home::{Examined, Scene};

/// The API host behind a front, whose root this machine trusts.
async fn fronted(faults: &[TlsFault]) -> Result<(Scene, TlsFront)> {
    let mut scene = Scene::new(|_| {}).await?;
    let authority = Authority::new()?;
    let api = scene.genesys.api_url();
    let behind = api.strip_prefix("http://").context("not http")?;
    let front = TlsFront::start(&authority, behind, faults).await?;
    scene.replace(&api, &front.url())?;
    scene.home.write("root.pem", &authority.root_pem())?;
    let root = scene.home.path().join("root.pem").display().to_string();
    scene.home.set("SSL_CERT_FILE", &root);
    Ok((scene, front))
}

async fn examined(faults: &[TlsFault]) -> Result<(Scene, Examined)> {
    let (scene, _front) = fronted(faults).await?;
    let examined = scene.examine("").await?;
    Ok((scene, examined))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_front_in_order_is_passed_through() -> Result<()> {
    let (scene, examined) = examined(&[]).await?;
    ensure!(
        examined.found.is_empty() && examined.is_success,
        "{examined:#?}"
    );
    let asked = scene.genesys.requests();
    ensure!(
        asked.iter().any(|it| it.path.contains("integrations/open")),
        "{asked:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_front_is_found_and_no_other() -> Result<()> {
    for (fault, id, is_cut_off) in [
        (TlsFault::OnlyTls12, "tls.only-1.2", false),
        (TlsFault::NoIntermediate, "tls.no-intermediate", true),
        (TlsFault::Expired, "tls.expired", true),
        (TlsFault::ExpiresSoon, "tls.expires-soon", false),
        (TlsFault::WrongName, "tls.wrong-name", true),
        (TlsFault::SelfSigned, "tls.untrusted", true),
    ] {
        let (scene, examined) = examined(&[fault]).await?;
        let name = fault.name();
        ensure!(examined.found == [id], "{name}: {examined:#?}");
        ensure!(!examined.is_success, "{name}");
        ensure!(scene.genesys.requests().is_empty() == is_cut_off, "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_server_without_its_intermediate_is_two_findings_and_is_sent_nothing() -> Result<()>
{
    let faults = [TlsFault::OnlyTls12, TlsFault::NoIntermediate];
    let (scene, examined) = examined(&faults).await?;
    let expected = ["tls.only-1.2", "tls.no-intermediate"];
    ensure!(examined.found == expected, "{examined:#?}");
    // Neither host of the org was asked for anything, not even for a token; nobody was written to.
    ensure!(
        scene.genesys.requests().is_empty(),
        "{:?}",
        scene.genesys.requests()
    );
    let of_number = scene.whatsapp.requests();
    ensure!(
        of_number.iter().all(|it| it.method == "GET"),
        "{of_number:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_1_2_is_told_apart() -> Result<()> {
    let mut scene = Scene::new(|_| {}).await?;
    let old = OldTls::start().await?;
    let api = scene.genesys.api_url();
    scene.replace(&api, &old.url())?;
    let examined = scene.examine("").await?;
    ensure!(examined.found == ["tls.too-old"], "{examined:#?}");
    Ok(())
}
