"""The same function as one writes it in Python: Powertools for routing, logs and secrets, boto3 for AWS, requests for the
platforms.
"""

import hashlib
import hmac
import json
import os

import boto3
import requests
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities import parameters

logger = Logger(service="intake")
app = APIGatewayHttpResolver()
dynamodb = boto3.resource("dynamodb")
media_table = dynamodb.Table(os.environ["MEDIA_TABLE"])
conversations_table = dynamodb.Table(os.environ["CONVERSATIONS_TABLE"])
connections_table = dynamodb.Table(os.environ["CONNECTIONS_TABLE"])
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
session = requests.Session()
secrets = parameters.SecretsProvider()

connections = {item["id"]: json.loads(item["doc"]) for item in connections_table.scan()["Items"]}


@app.post("/webhooks/<endpoint>")
def webhook(endpoint):
    name = connections[f"endpoint/{endpoint}"]["secrets"][0]
    secret = secrets.get(name, max_age=60)
    body = app.current_event.decoded_body
    claimed = app.current_event.headers.get("x-hub-signature-256", "")
    expected = "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(claimed, expected):
        return Response(status_code=401, content_type="text/plain", body="")
    for entry in json.loads(body)["entry"]:
        for change in entry["changes"]:
            for message in change["value"].get("messages", []):
                take(message)
    return Response(status_code=200, content_type="text/plain", body="")


def take(message):
    conversations_table.update_item(
        Key={"id": message["from"]},
        UpdateExpression="SET heard_at = :at",
        ExpressionAttributeValues={":at": int(message["timestamp"])},
    )
    media_table.put_item(
        Item={"id": message["id"], "message": message, "stage": "announced"},
        ConditionExpression="attribute_not_exists(id)",
    )
    job = json.dumps({"v": 1, "media": message["id"]})
    sqs.send_message(QueueUrl=os.environ["FETCH_QUEUE_URL"], MessageBody=job)


@logger.inject_lambda_context
def lambda_handler(event, context):
    return app.resolve(event, context)


serve(lambda_handler)
