"""The Lambda Runtime API in the plainest way; stands before the source of each peer."""

import http.client
import json
import os


class Context:
    function_name = os.environ.get("HANDLER", "intake")
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:0:function:peer"
    aws_request_id = ""

    def get_remaining_time_in_millis(self):
        return 60_000


def serve(handler, prepare=lambda context: None):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = "/2018-06-01/runtime/invocation"
    while True:
        api.request("GET", f"{path}/next")
        answer = api.getresponse()
        event, context = json.loads(answer.read()), Context()
        context.aws_request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        prepare(context)
        try:
            outcome, body = "response", handler(event, context)
        except Exception as error:
            outcome, body = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        api.request("POST", f"{path}/{context.aws_request_id}/{outcome}", body=json.dumps(body))
        api.getresponse().read()
