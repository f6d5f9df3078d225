"""What the official anthropic package shows of a server with Anthropic's API."""

import anthropic

TOOL = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def client(url, key="none", retries=0):
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=retries)


def request(content, **fields):
    return {
        "model": "test:latest",
        "max_tokens": 2048,
        "messages": [{"role": "user", "content": content}],
        **fields,
    }


def shown(error):
    return {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": str(error),
    }


def failing(call):
    try:
        call()
    except anthropic.AnthropicError as error:
        return shown(error)
    raise AssertionError("it did not fail")


def messages(url, content):
    response = client(url).messages.create(**request(content, system="Be brief."))
    return {
        "type": response.type,
        "role": response.role,
        "text": "".join(block.text for block in response.content if block.type == "text"),
        "reason": response.stop_reason,
        "usage": [response.usage.input_tokens, response.usage.output_tokens],
    }


def stream(url, content):
    with client(url).messages.stream(**request(content)) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    return {"text": text, "final": final.content[-1].text, "reason": final.stop_reason}


def thinking(url, content):
    fields = request(content, thinking={"type": "enabled", "budget_tokens": 1024})
    with client(url).messages.stream(**fields) as events:
        final = events.get_final_message()
    return [[block.type, getattr(block, "thinking", None) or getattr(block, "text", None)] for block in final.content]


def tools(url, content):
    sdk = client(url)
    with sdk.messages.stream(**request(content, tools=[TOOL])) as events:
        streamed = events.get_final_message()
    called = sdk.messages.create(**request(content, tools=[TOOL]))
    uses = [block for block in called.content if block.type == "tool_use"]
    continued = sdk.messages.create(
        model="test:latest",
        max_tokens=2048,
        tools=[TOOL],
        messages=[
            {"role": "user", "content": content},
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in called.content]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": uses[0].id, "content": "rain"}],
            },
        ],
    )
    return {
        "streamed": [{"name": b.name, "input": b.input} for b in streamed.content if b.type == "tool_use"],
        "uses": [{"name": use.name, "input": use.input} for use in uses],
        "reasons": [streamed.stop_reason, called.stop_reason, continued.stop_reason],
        "continued": "".join(block.text for block in continued.content if block.type == "text"),
    }


def count_tokens(url, content):
    return client(url).messages.count_tokens(
        model="test:latest", messages=[{"role": "user", "content": content}]
    ).input_tokens


def error(url, content, key="none", **fields):
    return failing(lambda: client(url, key=key).messages.create(**{**request(content), **fields}))


def error_in_stream(url, content):
    text = ""

    def read():
        nonlocal text
        with client(url).messages.stream(**request(content)) as events:
            for piece in events.text_stream:
                text += piece

    return {**failing(read), "text": text}


def retried(url, content):
    response = client(url, retries=2).messages.with_raw_response.create(**request(content))
    return {"text": response.parse().content[0].text, "retries": response.retries_taken}


def left_in_stream(url, content):
    """Leaves after the first text."""
    with client(url).messages.stream(**request(content)) as events:
        for piece in events.text_stream:
            return piece
    raise AssertionError("there was no text")
