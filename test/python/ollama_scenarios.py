"""What the official ollama package shows of a server with Ollama's API."""

import ollama
from pydantic import BaseModel

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class City(BaseModel):
    name: str
    population: int


def client(url, key=None):
    return ollama.Client(host=url, headers=None if key is None else {"authorization": f"Bearer {key}"})


def message(content):
    return [{"role": "user", "content": content}]


def failing(call):
    try:
        call()
    except ollama.ResponseError as error:
        return {"type": type(error).__name__, "status": error.status_code, "message": error.error}
    raise AssertionError("it did not fail")


def models(url):
    sdk = client(url)
    names = [model.model for model in sdk.list().models]
    return {
        "names": names,
        "capabilities": sdk.show(names[0]).capabilities,
        "running": [model.model for model in sdk.ps().models],
        "missing": failing(lambda: sdk.show("no-such")),
    }


def chat(url, content, model="test:latest", key=None, **fields):
    response = client(url, key).chat(model=model, messages=message(content), **fields)
    return response.model_dump()


def stream(url, content, model="test:latest", **fields):
    text, thinking, last = "", "", None
    for part in client(url).chat(model=model, messages=message(content), stream=True, **fields):
        text += part.message.content or ""
        thinking += part.message.thinking or ""
        last = part
    return {
        "text": text,
        "thinking": thinking,
        "done": last.done,
        "reason": last.done_reason,
        "counts": [last.prompt_eval_count, last.eval_count],
    }


def generate(url, content, model="test:latest"):
    sdk = client(url)
    whole = sdk.generate(model=model, prompt=content, system="be brief", options={"temperature": 0})
    parts = [part.response for part in sdk.generate(model=model, prompt=f"{content} again", stream=True)]
    return {"whole": whole.response, "reason": whole.done_reason, "streamed": "".join(parts), "parts": len(parts)}


def tools(url, content):
    sdk = client(url)
    history = message(content)
    called = sdk.chat(model="test:latest", messages=history, tools=[TOOL]).message
    history = history + [called, {"role": "tool", "tool_name": "weather", "content": "rain"}]
    continued = sdk.chat(model="test:latest", messages=history, tools=[TOOL]).message
    return {
        "calls": [
            {"name": call.function.name, "arguments": dict(call.function.arguments)} for call in called.tool_calls
        ],
        "continued": continued.content,
    }


def structured(url, content, model="test:latest"):
    response = client(url).chat(
        model=model, messages=message(content), format=City.model_json_schema(), options={"temperature": 0}
    )
    return City.model_validate_json(response.message.content).model_dump()


def load(url):
    return client(url).chat(model="test:latest", messages=[]).done_reason


def error(url, content, model="test:latest", key=None, **fields):
    return failing(lambda: client(url, key).chat(model=model, messages=message(content), **fields))


def error_in_stream(url, content):
    text = ""

    def read():
        nonlocal text
        for part in client(url).chat(model="test:latest", messages=message(content), stream=True):
            text += part.message.content or ""

    return {**failing(read), "text": text}


def left_in_stream(url, content):
    """Leaves after the first text."""
    parts = client(url).chat(model="test:latest", messages=message(content), stream=True)
    for part in parts:
        if part.message.content:
            parts.close()
            return part.message.content
    raise AssertionError("there was no text")


def embed(url, content):
    sdk = client(url)
    response = sdk.embed(model="test:latest", input=content)
    return {
        "embeddings": [list(vector) for vector in response.embeddings],
        "old": list(sdk.embeddings(model="test:latest", prompt=content).embedding),
    }
