"""The same by OpenAI's library for Python (pip install openai):

    python embed.py http://127.0.0.1:3003 "an old lighthouse"

Prints a line of JSON for each text.
"""
import json
import sys

from openai import OpenAI

client = OpenAI(base_url=sys.argv[1] + "/v1", api_key="none")
for e in client.embeddings.create(model="clip", input=sys.argv[2:]).data:
    print(json.dumps(e.embedding))
