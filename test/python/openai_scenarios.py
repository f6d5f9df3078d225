"""What the official openai package shows of a server with OpenAI's API."""

import openai
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "hello"}]
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


def client(url, key="none", retries=0, timeout=60.0):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries, timeout=timeout)


def shown(error):
    """How a caller of the SDK sees an error."""
    return {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "param": getattr(error, "param", None),
        "message": str(error),
    }


def failing(call):
    try:
        call()
    except openai.OpenAIError as error:
        return shown(error)
    raise AssertionError("it did not fail")


def message(content):
    return [{"role": "user", "content": content}]


def models(url):
    sdk = client(url)
    ids = [model.id for model in sdk.models.list()]
    return {
        "ids": ids,
        "one": sdk.models.retrieve(ids[0]).object,
        "missing": failing(lambda: sdk.models.retrieve("no/such")),
    }


def chat(url, content, model=None, **fields):
    response = client(url).chat.completions.create(
        model=model or "test:latest", messages=message(content), **fields
    )
    return response.model_dump()


def stream(url, content, model=None, **fields):
    chunks = client(url).chat.completions.create(
        model=model or "test:latest",
        messages=message(content),
        stream=True,
        stream_options={"include_usage": True},
        **fields,
    )
    text, thinking, reason, usage, objects = "", "", None, None, set()
    for chunk in chunks:
        objects.add(chunk.object)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            thinking += getattr(choice.delta, "reasoning_content", None) or ""
            reason = choice.finish_reason or reason
    return {
        "text": text,
        "thinking": thinking,
        "reason": reason,
        "usage": usage and usage.model_dump(),
        "objects": sorted(objects),
    }


def tools(url, content):
    sdk = client(url)
    history = message(content)
    with sdk.chat.completions.stream(model="test:latest", messages=history, tools=[TOOL]) as events:
        streamed = events.get_final_completion().choices[0]
    called = sdk.chat.completions.create(model="test:latest", messages=history, tools=[TOOL]).choices[0]
    history = history + [
        called.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": called.message.tool_calls[0].id, "content": "rain"},
    ]
    continued = sdk.chat.completions.create(model="test:latest", messages=history, tools=[TOOL]).choices[0]
    return {
        "streamed": [call.function.model_dump(include={"name", "arguments"}) for call in streamed.message.tool_calls],
        "called": [call.function.model_dump(include={"name", "arguments"}) for call in called.message.tool_calls],
        "reasons": [streamed.finish_reason, called.finish_reason, continued.finish_reason],
        "continued": continued.message.content,
    }


def structured(url, content, model=None):
    parsed = client(url).chat.completions.parse(
        model=model or "test:latest", messages=message(content), response_format=City, temperature=0
    )
    return parsed.choices[0].message.parsed.model_dump()


def logprobs(url, content):
    response = client(url).chat.completions.create(
        model="test:latest", messages=message(content), logprobs=True, top_logprobs=1
    )
    return [
        {"token": token.token, "logprob": token.logprob, "top": [top.token for top in token.top_logprobs]}
        for token in response.choices[0].logprobs.content
    ]


def choices(url, content, n):
    """The texts of `n` choices."""
    response = client(url).chat.completions.create(model="test:latest", messages=message(content), n=n)
    return [choice.message.content for choice in response.choices]


def error(url, content, key="none", stream=False, **fields):
    return failing(
        lambda: client(url, key=key).chat.completions.create(
            model=fields.pop("model", "test:latest"), messages=message(content), stream=stream, **fields
        )
    )


def error_without_messages(url):
    return failing(lambda: client(url).chat.completions.create(model="test:latest", messages=[]))


def error_in_stream(url, content):
    text = ""

    def read():
        nonlocal text
        for chunk in client(url).chat.completions.create(
            model="test:latest", messages=message(content), stream=True
        ):
            text += chunk.choices[0].delta.content or ""

    return {**failing(read), "text": text}


def retried(url, content, key="none"):
    response = client(url, key=key, retries=2).chat.completions.with_raw_response.create(
        model="test:latest", messages=message(content)
    )
    return {"text": response.parse().choices[0].message.content, "retries": response.retries_taken}


def timeout(url, content, stream):
    def wait():
        response = client(url, timeout=1.0).chat.completions.create(
            model="test:latest", messages=message(content), stream=stream
        )
        if stream:
            list(response)

    return failing(wait)


def left_in_stream(url, content):
    """Leaves after the first text."""
    with client(url).chat.completions.create(
        model="test:latest", messages=message(content), stream=True
    ) as chunks:
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                return chunk.choices[0].delta.content
    raise AssertionError("there was no text")


def responses(url, content):
    sdk = client(url)
    whole = sdk.responses.create(model="test:latest", input=content, instructions="Be brief.")
    types, text = [], ""
    with sdk.responses.stream(model="test:latest", input=f"{content} again") as events:
        for event in events:
            types.append(event.type)
            if event.type == "response.output_text.delta":
                text += event.delta
        final = events.get_final_response()
    return {
        "whole": {"text": whole.output_text, "status": whole.status, "usage": whole.usage.model_dump()},
        "streamed": text,
        "final": final.output_text,
        "first": types[0],
        "last": types[-1],
        "error": failing(lambda: sdk.responses.create(model="test:latest", input="")),
    }


def response_tools(url, content):
    tool = {"type": "function", "name": "weather", "parameters": TOOL["function"]["parameters"], "strict": False}
    sdk = client(url)
    whole = sdk.responses.create(model="test:latest", input=content, tools=[tool])
    calls = [item for item in whole.output if item.type == "function_call"]
    continued = sdk.responses.create(
        model="test:latest",
        input=[
            {"role": "user", "content": content},
            {"type": "function_call", "call_id": calls[0].call_id, "name": "weather", "arguments": calls[0].arguments},
            {"type": "function_call_output", "call_id": calls[0].call_id, "output": "rain"},
        ],
        tools=[tool],
    )
    return {"calls": [{"name": call.name, "arguments": call.arguments} for call in calls], "continued": continued.output_text}


def response_structured(url, content):
    parsed = client(url).responses.parse(model="test:latest", input=content, text_format=City)
    return parsed.output_parsed.model_dump()


def embeddings(url, content):
    sdk = client(url)
    default = sdk.embeddings.create(model="test:latest", input=content)
    floats = sdk.embeddings.create(model="test:latest", input=[content], encoding_format="float")
    return {
        "default": default.data[0].embedding,
        "floats": floats.data[0].embedding,
        "object": floats.object,
        "usage": floats.usage.model_dump(),
    }


def completions(url, content):
    sdk = client(url)
    whole = sdk.completions.create(model="test:latest", prompt=content, max_tokens=5)
    text = ""
    for chunk in sdk.completions.create(model="test:latest", prompt=f"{content} again", stream=True):
        text += chunk.choices[0].text if chunk.choices else ""
    return {
        "object": whole.object,
        "text": whole.choices[0].text,
        "reason": whole.choices[0].finish_reason,
        "streamed": text,
    }
