//! What a test asks for is created under its own name, and removed where it would stay.

use std::collections::HashMap;
use std::time::Duration;

use attache_domain::connection::SecretName;
use attache_edge::s3::Buckets;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};

use super::services::Services;

/// How long a new table may take to become usable.
const TABLE: Duration = Duration::from_secs(60);

/// Something that stays until it is removed.
#[derive(Clone, Debug)]
pub(super) enum Created {
    Table(String),
    Bucket(String),
    /// By its URL.
    Queue(String),
    Secret(String),
    /// By its id. AWS keeps a key for seven days more, in case somebody minds.
    Key(String),
}

/// An object as it lies in a bucket.
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: HashMap<String, String>,
}

impl Services {
    fn note(&self, created: Created) {
        self.created.lock().unwrap().push(created);
    }

    /// A table with the index of the media table; its name.
    pub(crate) async fn table(&self) -> String {
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind)
                .build()
                .unwrap()
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .unwrap()
        };
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly);
        let index = GlobalSecondaryIndex::builder()
            .index_name("due")
            .key_schema(key("due_shard", KeyType::Hash))
            .key_schema(key("due_at", KeyType::Range))
            .projection(projection.build());
        let name = format!("{}-rows", self.run);
        let create = self.dynamodb().create_table().table_name(&name);
        create
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("id", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
            .key_schema(key("id", KeyType::Hash))
            .global_secondary_indexes(index.build().unwrap())
            .send()
            .await
            .unwrap();
        self.note(Created::Table(name.clone()));
        let exists = self.dynamodb().wait_until_table_exists().table_name(&name);
        exists.wait(TABLE).await.unwrap();
        self.calls();
        name
    }

    pub(crate) async fn put_row(&self, table: &str, columns: &[(&str, &str)]) {
        let mut put = self.dynamodb().put_item().table_name(table);
        for (name, value) in columns {
            put = put.item(*name, AttributeValue::S((*value).to_owned()));
        }
        put.send().await.unwrap();
    }

    /// A number column of a row.
    pub(crate) async fn number(&self, table: &str, id: &str, column: &str) -> u64 {
        let get = self.dynamodb().get_item().table_name(table);
        let key = AttributeValue::S(id.to_owned());
        let row = get.key("id", key).send().await.unwrap().item.unwrap();
        row[column].as_n().unwrap().parse().unwrap()
    }

    /// The media bucket and the quarantine; the latter's name as well.
    pub(crate) async fn buckets(&self) -> (Buckets, String) {
        let [media, quarantine] = ["media", "quarantine"].map(|of| format!("{}-{of}", self.run));
        for bucket in [&media, &quarantine] {
            let create = self.s3().create_bucket().bucket(bucket);
            create.send().await.unwrap();
            self.note(Created::Bucket(bucket.clone()));
        }
        let buckets = Buckets::new(self.s3(), media, Some(quarantine.clone()));
        (buckets, quarantine)
    }

    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Object {
        let get = self.s3().get_object().bucket(bucket).key(key);
        let got = get.send().await.unwrap();
        let metadata = got.metadata.clone().unwrap_or_default();
        Object {
            bytes: got.body.collect().await.unwrap().to_vec(),
            metadata,
        }
    }

    /// A queue's URL.
    pub(crate) async fn queue(&self, name: &str) -> String {
        let create = self.sqs().create_queue();
        let create = create.queue_name(format!("{}-{name}", self.run));
        let url = create.send().await.unwrap().queue_url.unwrap();
        self.note(Created::Queue(url.clone()));
        url
    }

    /// Every body that is visible now. Asks for a second, because only a long poll asks all of SQS's servers.
    pub(crate) async fn receive_all(&self, url: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let receive = self.sqs().receive_message().queue_url(url);
            let receive = receive.max_number_of_messages(10).wait_time_seconds(1);
            match receive.send().await.unwrap().messages {
                Some(messages) if !messages.is_empty() => {
                    bodies.extend(messages.into_iter().filter_map(|message| message.body));
                }
                _ => return bodies,
            }
        }
    }

    /// A secret with this value; its name.
    pub(crate) async fn secret(&self, value: &str) -> SecretName {
        let name = format!("{}/clients/one", self.run);
        let create = self.secrets_manager().create_secret().name(&name);
        create.secret_string(value).send().await.unwrap();
        self.note(Created::Secret(name.clone()));
        SecretName(name)
    }

    /// A new key's id.
    pub(crate) async fn key(&self) -> String {
        let created = self.kms().create_key().send().await.unwrap();
        self.calls();
        let id = created.key_metadata.unwrap().key_id;
        self.note(Created::Key(id.clone()));
        id
    }

    /// Removes everything, as far as it goes, and says what did not.
    pub(super) async fn remove_created(&self) -> Result<(), String> {
        let created = std::mem::take(&mut *self.created.lock().unwrap());
        let mut left = Vec::new();
        for thing in created {
            if let Err(error) = self.remove(&thing).await {
                left.push(format!("{thing:?} was not removed: {error}"));
            }
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join("; "))
        }
    }

    async fn remove(&self, thing: &Created) -> Result<(), String> {
        match thing {
            Created::Table(name) => {
                let delete = self.dynamodb().delete_table().table_name(name);
                done(delete.send().await)
            }
            Created::Bucket(name) => self.remove_bucket(name).await,
            Created::Queue(url) => done(self.sqs().delete_queue().queue_url(url).send().await),
            Created::Secret(name) => {
                let delete = self.secrets_manager().delete_secret().secret_id(name);
                done(delete.force_delete_without_recovery(true).send().await)
            }
            Created::Key(id) => {
                let delete = self.kms().schedule_key_deletion().key_id(id);
                done(delete.pending_window_in_days(7).send().await)
            }
        }
    }

    /// A test stores fewer objects than one listing holds.
    async fn remove_bucket(&self, name: &str) -> Result<(), String> {
        let listed = self.s3().list_objects_v2().bucket(name).send().await;
        let listed = listed.map_err(|error| DisplayErrorContext(error).to_string())?;
        for object in listed.contents() {
            let delete = self.s3().delete_object().bucket(name);
            done(delete.key(object.key().unwrap_or_default()).send().await)?;
        }
        done(self.s3().delete_bucket().bucket(name).send().await)
    }
}

fn done<T, E>(answer: Result<T, SdkError<E>>) -> Result<(), String>
where
    E: std::error::Error + 'static,
{
    answer
        .map(drop)
        .map_err(|error| DisplayErrorContext(error).to_string())
}
