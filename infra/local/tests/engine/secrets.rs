//! Secrets Manager: create, read, replace.

use crate::{engines, refused, secrets};

#[tokio::test]
async fn a_secret_is_created_read_and_replaced() {
    let engines = engines().await;
    let secrets = secrets(engines.endpoints(), "operator").await;
    let name = "attache/local/clients/genesys";
    let created = secrets
        .create_secret()
        .name(name)
        .secret_string("one")
        .send()
        .await
        .unwrap();
    let arn = created.arn().unwrap().to_owned();
    assert!(
        arn.starts_with(
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:attache/local/clients/genesys-"
        ),
        "{arn}"
    );
    let again = secrets
        .create_secret()
        .name(name)
        .secret_string("x")
        .send()
        .await;
    assert_eq!(refused!(again), ("ResourceExistsException".to_owned(), 400));

    let put = secrets
        .put_secret_value()
        .secret_id(name)
        .secret_string("two")
        .send()
        .await
        .unwrap();
    assert_eq!(put.version_stages(), ["AWSCURRENT"]);
    let read = secrets
        .get_secret_value()
        .secret_id(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (read.secret_string(), read.version_id()),
        (Some("two"), put.version_id())
    );
    let previous = secrets
        .get_secret_value()
        .secret_id(name)
        .version_stage("AWSPREVIOUS")
        .send()
        .await
        .unwrap();
    assert_eq!(previous.secret_string(), Some("one"));
    let described = secrets
        .describe_secret()
        .secret_id(name)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (described.name(), described.arn()),
        (Some(name), Some(arn.as_str()))
    );
}

#[tokio::test]
async fn a_secret_nobody_created_is_not_found() {
    let engines = engines().await;
    let secrets = secrets(engines.endpoints(), "operator").await;
    let missing = secrets
        .get_secret_value()
        .secret_id("attache/local/nothing")
        .send()
        .await;
    assert_eq!(
        refused!(missing),
        ("ResourceNotFoundException".to_owned(), 400)
    );
    let missing = secrets
        .put_secret_value()
        .secret_id("attache/local/nothing")
        .secret_string("x")
        .send()
        .await;
    assert_eq!(
        refused!(missing),
        ("ResourceNotFoundException".to_owned(), 400)
    );
}
