"""The way of a file from WhatsApp to Genesys as the guides of Powertools for AWS Lambda and boto3 lead to: intake downloads what
a webhook names, validation starts with the object, upload with a message of a queue. Each is idempotent by Powertools'
DynamoDB layer, secrets come by its parameters, batches by its processor; the token is cached in a table, calls are counted
in another. What it imports is at its defaults.
"""

import hashlib
import hmac
import io
import json
import os
import time
import urllib.parse

import boto3
import requests
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.config import Config

logger = Logger()
dynamodb = boto3.resource("dynamodb")
media_table = dynamodb.Table(os.environ["MEDIA_TABLE"])
tokens_table = dynamodb.Table(os.environ["TOKENS_TABLE"])
limits_table = dynamodb.Table(os.environ["LIMITS_TABLE"])
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
sqs = boto3.client("sqs")
session = requests.Session()
bucket = os.environ["MEDIA_BUCKET"]
secrets = json.loads(os.environ["SECRETS"])
store = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
once = IdempotencyConfig(event_key_jmespath="id")
processor = BatchProcessor(event_type=EventType.SQS)

CALLS_A_SECOND = 5
MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"%PDF": "application/pdf"}


def secret(name):
    return parameters.get_secret(secrets[name])


def intake(event, context):
    query = event.get("queryStringParameters") or {}
    if event["requestContext"]["http"]["method"] == "GET":
        known = query.get("hub.verify_token") == secret("verify")
        return {"statusCode": 200 if known else 403, "body": query.get("hub.challenge", "")}
    body = event["body"].encode()
    expected = "sha256=" + hmac.new(secret("app").encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(event["headers"].get("x-hub-signature-256", ""), expected):
        return {"statusCode": 401}
    for entry in json.loads(body)["entry"]:
        for change in entry["changes"]:
            for message in change["value"].get("messages", []):
                if message["type"] in message and "id" in message[message["type"]]:
                    take(message=message)
    return {"statusCode": 200}


@idempotent_function(data_keyword_argument="message", config=once, persistence_store=store)
def take(message):
    medium = message[message["type"]]
    bearer = {"Authorization": f"Bearer {secret('whatsapp')}"}
    found = session.get(f"{os.environ['GRAPH_URL']}/v23.0/{medium['id']}", headers=bearer, timeout=10)
    found.raise_for_status()
    content = session.get(found.json()["url"], headers=bearer, timeout=10)
    content.raise_for_status()
    extra = {"ContentType": medium["mime_type"]}
    s3.upload_fileobj(io.BytesIO(content.content), bucket, message["id"], ExtraArgs=extra)
    item = {"id": message["id"], "customer": message["from"], "sha256": medium["sha256"], "state": "stored"}
    item["sent_at"] = message["timestamp"]
    media_table.put_item(Item=item)
    return {"stored": message["id"]}


def validate(event, context):
    for record in event["Records"]:
        found = record["s3"]["object"]
        key = urllib.parse.unquote_plus(found["key"])
        judge(found={"id": f"{key} {found['eTag']}", "key": key})


@idempotent_function(data_keyword_argument="found", config=once, persistence_store=store)
def judge(found):
    content = io.BytesIO()
    s3.download_fileobj(bucket, found["key"], content)
    head = content.getvalue()[:4]
    mime = next((mime for magic, mime in MAGIC.items() if head.startswith(magic)), None)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    media_table.update_item(
        Key={"id": found["key"]},
        UpdateExpression="SET #s = :s, mime = :m, digest = :d",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": "clean" if mime else "refused", ":m": mime, ":d": digest},
    )
    if mime:
        job = json.dumps({"id": found["key"]})
        sqs.send_message(QueueUrl=os.environ["UPLOAD_QUEUE_URL"], MessageBody=job)
    return {"judged": found["key"]}


def upload(event, context):
    return process_partial_response(event=event, record_handler=deliver_record, processor=processor, context=context)


def deliver_record(record):
    deliver(job=json.loads(record["body"]))


@idempotent_function(data_keyword_argument="job", config=once, persistence_store=store)
def deliver(job):
    item = media_table.get_item(Key={"id": job["id"]})["Item"]
    wait_for_turn()
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": job["id"]}, ExpiresIn=3600)
    sent_at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(int(item["sent_at"])))
    attachment = {"mediaType": "Image", "url": link, "mime": item["mime"], "filename": "photo.jpg"}
    body = {
        "channel": {
            "messageId": job["id"],
            "from": {"id": item["customer"], "idType": "Phone"},
            "time": sent_at,
        },
        "content": [{"attachment": attachment}],
    }
    path = f"/api/v2/conversations/messages/{os.environ['INTEGRATION_ID']}/inbound/open/message"
    bearer = {"Authorization": f"Bearer {token()}"}
    answer = session.post(os.environ["API_URL"] + path, json=body, headers=bearer, timeout=20)
    answer.raise_for_status()
    media_table.update_item(
        Key={"id": job["id"]},
        UpdateExpression="SET #s = :s, delivered_as = :d",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": "sent", ":d": answer.json()["id"]},
    )
    return {"sent": job["id"]}


def token():
    found = tokens_table.get_item(Key={"id": "genesys"}).get("Item")
    if found and int(found["expires_at"]) > time.time() + 60:
        return found["token"]
    auth = (os.environ["CLIENT_ID"], secret("genesys"))
    form = {"grant_type": "client_credentials"}
    answer = session.post(f"{os.environ['LOGIN_URL']}/oauth/token", data=form, auth=auth, timeout=10)
    answer.raise_for_status()
    fresh = answer.json()
    expires_at = int(time.time()) + int(fresh["expires_in"])
    tokens_table.put_item(Item={"id": "genesys", "token": fresh["access_token"], "expires_at": expires_at})
    return fresh["access_token"]


def wait_for_turn():
    """A counter for each second, shared by all instances."""
    while True:
        now = int(time.time())
        counted = limits_table.update_item(
            Key={"id": f"genesys {now}"},
            UpdateExpression="ADD calls :one SET expires_at = :at",
            ExpressionAttributeValues={":one": 1, ":at": now + 60},
            ReturnValues="UPDATED_NEW",
        )
        if counted["Attributes"]["calls"] <= CALLS_A_SECOND:
            return
        time.sleep(1 - time.time() % 1)


serve({"intake": intake, "validate": validate, "upload": upload}[os.environ["HANDLER"]], once.register_lambda_context)
