"""The same work as intake's for a customer's picture, written as one writes it in Python: plain functions, the standard
library, dictionaries in the place of the tables and a list in that of the queue.

    python3 peer.py EVENTS WARM STATUS

Handles the events of a file, one a line, the first WARM uncounted, and writes the CPU time of each to its standard error,
as JSON.
"""

import base64
import hashlib
import hmac
import json
import logging
import sys
import time

TOGETHER = 100
SECRET = b"meta-app-secret-0123456789abcdef"
NUMBERS = {"106540352242922": ("wa-sales", "genesys")}
MEDIA = ("image", "audio", "video", "document", "sticker")

logging.basicConfig(
    stream=sys.stdout,
    level=logging.INFO,
    format='{"timestamp":"%(asctime)s","level":"%(levelname)s","message":"%(message)s"}',
)
logger = logging.getLogger("intake")

media_table = {}
conversations_table = {}
fetch_queue = []


def respond(status, body=""):
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def is_signed(headers, body):
    claimed = headers.get("x-hub-signature-256", "")
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(claimed, expected)


def media_id(connection, message, attachment):
    digest = hashlib.sha256(f"{connection}\0{message}\0{attachment}".encode()).digest()
    return base64.b32encode(digest)[:26].decode().lower()


def put_new(key, item):
    """A put with the condition that nothing is there."""
    if key in media_table:
        return False
    media_table[key] = item
    return True


def take_message(value, message):
    connection, target = NUMBERS[value["metadata"]["phone_number_id"]]
    kind = message["type"]
    if kind not in MEDIA:
        return
    medium = message[kind]
    sent_at = int(message["timestamp"]) * 1000
    name = value["contacts"][0]["profile"]["name"]
    conversations_table[f"{connection}/{message['from']}"] = {"heard_at": sent_at, "name": name}
    key = media_id(connection, message["id"], medium["id"])
    item = {
        "id": key,
        "stage": "announced",
        "connection": connection,
        "target": target,
        "message": message["id"],
        "attachment": medium["id"],
        "customer": message["from"],
        "customer_name": name,
        "sent_at": sent_at,
        "kind": kind,
        "mime_type": medium.get("mime_type"),
        "sha256": medium.get("sha256"),
        "caption": medium.get("caption"),
        "expires_at": int(time.time()) + 30 * 24 * 3600,
    }
    if put_new(key, item):
        fetch_queue.append(json.dumps({"v": 1, "media": key, "connection": connection}))


def lambda_handler(event, context):
    body = event["body"]
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if not is_signed(headers, raw):
        logger.warning("webhook refused")
        return respond(401, "the signature does not match the body")
    for entry in json.loads(raw)["entry"]:
        for change in entry["changes"]:
            for message in change["value"].get("messages", []):
                take_message(change["value"], message)
    return respond(200)


def main():
    path, warm, status = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()

    def answer(lines):
        events = [json.loads(line) for line in lines]
        before = time.process_time_ns()
        responses = [lambda_handler(event, None) for event in events]
        took = time.process_time_ns() - before
        for response in responses:
            json.dumps(response)
            assert response["statusCode"] == status, response
        return took

    answer(lines[:warm])
    counted = lines[warm:]
    began = time.process_time_ns()
    handler = sum(answer(counted[n : n + TOGETHER]) for n in range(0, len(counted), TOGETHER))
    whole = time.process_time_ns() - began
    each = 1000 * len(counted)
    print(json.dumps({"handler_us": handler / each, "whole_us": whole / each}), file=sys.stderr)


main()
