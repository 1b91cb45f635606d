//! KMS: what is sealed under one context opens under no other.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;

use crate::{engines, kms, refused};

#[tokio::test]
async fn a_ciphertext_opens_only_under_its_own_context() {
    let engines = engines().await;
    let keys = kms(engines.endpoints(), "operator").await;
    let created = keys
        .create_key()
        .description("seals tokens")
        .send()
        .await
        .unwrap();
    let id = created.key_metadata().unwrap().key_id().to_owned();
    let sealed = keys
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("a token"))
        .encryption_context("row", "r1")
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap().clone();

    let opened = keys
        .decrypt()
        .ciphertext_blob(blob.clone())
        .encryption_context("row", "r1")
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"a token");
    assert_eq!(opened.key_id(), created.key_metadata().unwrap().arn());

    let wrong = "InvalidCiphertextException".to_owned();
    let other = keys
        .decrypt()
        .ciphertext_blob(blob.clone())
        .encryption_context("row", "r2")
        .send()
        .await;
    assert_eq!(refused!(other), (wrong.clone(), 400));
    let none = keys.decrypt().ciphertext_blob(blob.clone()).send().await;
    assert_eq!(refused!(none), (wrong.clone(), 400));
    let mut bent = blob.into_inner();
    *bent.last_mut().unwrap() ^= 1;
    let bent = keys
        .decrypt()
        .ciphertext_blob(Blob::new(bent))
        .encryption_context("row", "r1")
        .send()
        .await;
    assert_eq!(refused!(bent), (wrong, 400));
}

#[tokio::test]
async fn a_data_key_comes_in_clear_and_sealed() {
    let engines = engines().await;
    let keys = kms(engines.endpoints(), "operator").await;
    let id = keys
        .create_key()
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .key_id;
    keys.create_alias()
        .alias_name("alias/data")
        .target_key_id(&id)
        .send()
        .await
        .unwrap();
    let generated = keys
        .generate_data_key()
        .key_id("alias/data")
        .key_spec(DataKeySpec::Aes256)
        .encryption_context("a", "b")
        .send()
        .await
        .unwrap();
    let clear = generated.plaintext().unwrap().as_ref();
    assert_eq!(clear.len(), 32);
    let sealed = generated.ciphertext_blob().unwrap().clone();
    let opened = keys
        .decrypt()
        .ciphertext_blob(sealed)
        .encryption_context("a", "b")
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), clear);
    let described = keys
        .describe_key()
        .key_id("alias/data")
        .send()
        .await
        .unwrap();
    assert_eq!(described.key_metadata().unwrap().key_id(), id);
}

#[tokio::test]
async fn unknown_and_wrong_keys_are_told_apart() {
    let engines = engines().await;
    let keys = kms(engines.endpoints(), "operator").await;
    let unknown = keys
        .encrypt()
        .key_id("alias/nobody")
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(refused!(unknown), ("NotFoundException".to_owned(), 400));
    let one = keys
        .create_key()
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .key_id;
    let other = keys
        .create_key()
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .key_id;
    let sealed = keys
        .encrypt()
        .key_id(&one)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .unwrap()
        .ciphertext_blob
        .unwrap();
    let wrong = keys
        .decrypt()
        .key_id(&other)
        .ciphertext_blob(sealed)
        .send()
        .await;
    assert_eq!(refused!(wrong), ("IncorrectKeyException".to_owned(), 400));
}
