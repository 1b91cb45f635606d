//! CloudFormation, as far as `DescribeStacks` goes: answers and errors in the shape that AWS documents.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>, checked 2026-11-25.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A stack: its parameters and outputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) outputs: Vec<(&'static str, String)>,
}

/// What it knows; the stack `forbidden` is one that the caller may not see.
pub(super) type Stacks = BTreeMap<&'static str, Stack>;

/// The running server; ends when dropped.
pub(super) struct CloudFormation {
    pub(super) url: String,
    serving: JoinHandle<()>,
}

impl CloudFormation {
    pub(super) async fn start(stacks: Stacks) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::new(stacks));
        let serving = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, serving })
    }
}

impl Drop for CloudFormation {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(stacks): State<Arc<Stacks>>, form: String) -> (StatusCode, String) {
    let fields: BTreeMap<&str, &str> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let name = fields.get("StackName").copied().unwrap_or_default();
    if fields.get("Action") != Some(&"DescribeStacks")
        || fields.get("Version") != Some(&"2010-05-15")
    {
        return refusal(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            "Could not find operation",
        );
    }
    if name == "forbidden" {
        let message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: \
                       cloudformation:DescribeStacks on resource: arn:aws:cloudformation:eu-central-1:123456789012:stack/forbidden/*";
        return refusal(StatusCode::FORBIDDEN, "AccessDenied", message);
    }
    match stacks.get(name) {
        Some(stack) => (StatusCode::OK, described(name, stack)),
        None => {
            let message = format!("Stack with id {name} does not exist");
            refusal(StatusCode::BAD_REQUEST, "ValidationError", &message)
        }
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> (StatusCode, String) {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
         <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n  \
         <RequestId>b9b4b068-3a41-11e5-94eb-example</RequestId>\n</ErrorResponse>\n"
    );
    (status, body)
}

fn described(name: &str, stack: &Stack) -> String {
    let members = |kind: &str, pairs: &[(&str, String)]| -> String {
        let member = |(key, value): &(&str, String)| {
            format!(
                "<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>"
            )
        };
        pairs.iter().map(member).collect()
    };
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks><member>\
         <StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/{name}/aaf549a0-a413-11df-adb3-5081b3858e83</StackId>\
         <StackName>{name}</StackName><CreationTime>2026-11-25T22:26:28.000Z</CreationTime>\
         <StackStatus>CREATE_IN_PROGRESS</StackStatus><DisableRollback>false</DisableRollback>\
         <Parameters>{}</Parameters><Outputs>{}</Outputs></member></Stacks></DescribeStacksResult>\
         <ResponseMetadata><RequestId>b9b4b068-3a41-11e5-94eb-example</RequestId></ResponseMetadata></DescribeStacksResponse>",
        members("Parameter", &stack.parameters),
        members("Output", &stack.outputs)
    )
}
