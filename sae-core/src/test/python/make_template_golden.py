"""Makes chat templates with what transformers' apply_chat_template makes of them, for tests of sae-core.

Usage: python make_template_golden.py FOLDER   (in an environment with transformers 5)

Writes FOLDER/templates.jsonl: {"template", "source"} a line, each followed by its cases: {"name", "variables", "text"}, with "error" instead
of "text" where the template raises.
Templates of published models are written down in the form in which they were published, or shortened to what text chats run through.
"""
import datetime
import json
import sys
from pathlib import Path

from transformers.utils import chat_template_utils

TOKENS = dict(bos_token="<s>", eos_token="</s>")
USER = [dict(role="user", content=" What is a sparse autoencoder? ")]
SYSTEM = [dict(role="system", content="Be brief."), *USER]
LONG = [*SYSTEM, dict(role="assistant", content="<think>\nHm.\n</think>\n\nA model."), dict(role="user", content="Who needs \"it\"?\n\nDu, \u00fc \U0001F600")]
ODD = [dict(role="assistant", content="I begin.")]
TOOL = dict(type="function", function=dict(name="f", description="Adds \u00e9 <b> & 'c'", parameters=dict(type="object", properties=dict(
    x=dict(type="number", minimum=0.5), y=dict(type="integer", enum=[1, 2])), required=["x"])))

CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
SMOLLM2 = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful AI "
           "assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + "
           "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
LLAMA2 = ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
          "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
          "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate "
          "user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n'"
          " + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}"
          "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' "
          "%}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
LLAMA3 = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
          "'<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
          "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}")
LLAMA32 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- This block extracts the system message, so we can slot it into the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{#- System message #}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Cutting Knowledge Date: December 2023\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {{- "You have access to the following functions. To call a function, please respond with JSON for a function call." }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}

{#- Custom tools are passed in a user message with some extra guidance #}
{%- if tools_in_user_message and not tools is none %}
    {#- Extract the first user message so we can plug it in here #}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("Cannot put tools in the first user message when there's no first user message!") }}
{%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' -}}
    {{- "Given the following functions, please respond with a JSON for a function call " }}
    {{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}

{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
QWEN25 = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with function signatures within <tools></tools> XML tags:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
QWEN3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""
GEMMA2 = ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in "
          "messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate "
          "user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role "
          "= message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}")
GEMMA3 = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""
MISTRAL = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}

{#- This block checks for alternating user/assistant messages, skipping tool calling messages #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
            {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
"""
PHI3 = ("{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}{% elif "
        "message['role'] == 'user' %}{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}{% elif message['role'] == 'assistant' %}{{"
        "'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}"
        "{% else %}{{ eos_token }}{% endif %}")
PHI4 = ("{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|im_sep|>' + message['content'] + "
        "'<|im_end|>'}}{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}{% elif "
        "(message['role'] == 'assistant') %}{{'<|im_start|>assistant<|im_sep|>' + message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}")
OLMO2 = ("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|system|>\n' + message['content'] + '\n' }}{% elif "
         "message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '\n' }}{% elif message['role'] == 'assistant' %}{% if not loop.last %}"
         "{{ '<|assistant|>\n'  + message['content'] + eos_token + '\n' }}{% else %}{{ '<|assistant|>\n'  + message['content'] + eos_token }}"
         "{% endif %}{% endif %}{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}")
ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""
DEEPSEEK = ("{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, "
            "is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set "
            "ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}"
            "{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<\uff5cUser\uff5c>' + message['content']}}{%- endif %}"
            "{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in "
            "content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<\uff5cAssistant\uff5c>' + content + eos_token}}{%- endif %}"
            "{%- endfor -%}{% if add_generation_prompt %}{{'<\uff5cAssistant\uff5c><think>\\n'}}{% endif %}")
PUBLISHED = dict(chatml=CHATML, smollm2=SMOLLM2, llama2=LLAMA2, llama3=LLAMA3, llama32=LLAMA32, qwen25=QWEN25, qwen3=QWEN3, gemma2=GEMMA2,
                 gemma3=GEMMA3, mistral=MISTRAL, phi3=PHI3, phi4=PHI4, olmo2=OLMO2, zephyr=ZEPHYR, deepseek=DEEPSEEK)

# What the language does, one thing each.
PIECES = [
    "a\n  {% if true %}\n  b\n  {% endif %}\nc", "a  {%- if true -%}  \n b {%- endif %}  c", "  {%+ if true %}x{% endif +%}\n y", "{# c #}\n z {#- d -#} e",
    "  {{ 1 }}\n {{- 2 -}} \n3", "x\n", "x\n\n", "{% raw %}{{ a }}{% b %}{% endraw %}\nq", "\n {%- raw -%} \n {{ a }} {%- endraw %} z",
    "{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ -7 // 2 }} {{ 1 / 2 }} {{ 2 * 3.0 }} {{ 1e3 if false }}|{{ 0.1 + 0.2 }} {{ 1 / 3e0 }}",
    "{{ 'a' 'b' \"c\\n\\t\\x41\\u00e9\" }}{{ 'a' ~ 1 ~ none ~ true ~ 1.5 }}{{ 'ab' * 2 }}",
    "{{ [1, 'a', none, true, 1.0, [], {'k': \"it's\"}] }} {{ {'a': 1}.items() | list }} {{ 'x\\n' | list }}",
    "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' in 'abc' }} {{ 2 not in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 1 < 2 > 3 }} {{ true == 1 }}",
    "{{ not true or true and false }} {{ 0 or 'x' }} {{ [] and 1 }} {{ none or undefined_thing }}|{{ 1 if none else 2 if false else 3 }}",
    "{{ missing }}|{{ missing is defined }} {{ missing is none }} {{ missing | default('d') }} {{ none | default('d', true) }} {{ m.missing }}|",
    "{{ m.content.upper() }} {{ m['content'][0:3] }} {{ m.content[-1] }} {{ m.content[::-1] }} {{ m.content[1:-1:2] }} {{ l[5:] }} {{ l[-2] }}",
    "{% for x in l if x % 2 %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ ',' if not loop.last }}{% else %}none{% endfor %}{% for x in [] %}a{% else %}b{% endfor %}",
    "{% for x in l %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }} {{ loop.revindex0 }} {{ loop.cycle('a', 'b') }};{% endfor %}",
    "{% for a, b in {'x': 1, 'y': 2}.items() %}{{ a }}{{ b }}{{ loop.previtem }}{% endfor %}{% for k in m %}{{ k }}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}",
    "{% set ns = namespace(n=0, s='') %}{% for i in l %}{% set ns.n = ns.n + i %}{% set ns.s = ns.s ~ i %}{% endfor %}{{ ns.n }}{{ ns.s }}{{ ns.missing is defined }}",
    "{% macro f(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}{{ x }}]{% endmacro %}{% set x = 5 %}{{ f(1) }}{{ f('q', c=2) }}{{ f(b=l, a=m.role) }}",
    "{% set t %}a{{ 1 }}\n{% endset %}{{ t | trim }}{% set a, b = 1, 2 %}{{ a + b }}{% set p = (1, 2) %}{{ p[1] }}",
    "{{ ' a b ' | trim }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ 'a,b,c'.split(',', 1) }}|{{ ' a  b '.split() }}|{{ 'a.b.c'.rsplit('.', 1) }}",
    "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'bc')) }} {{ 'abca'.find('a', ) }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'a' | replace('a', 'b') }} {{ 'ab'.count('b') }}",
    "{{ 'hello wORLD' | title }} {{ 'hELLO' | capitalize }} {{ 'a' | upper }} {{ ['a', 1] | join('-') }} {{ [m, m] | map(attribute='role') | join }} {{ 'abc' | length }} {{ '\U0001F600b' | length }}",
    "{{ [m, {'role': 'x'}] | selectattr('role', 'equalto', 'user') | list | length }} {{ [m] | rejectattr('role', 'in', ['user']) | list }} {{ [0, 1, none] | select | list }} {{ l | reject('odd') | list }}",
    "{{ l | first }} {{ l | last }} {{ [] | first }} {{ l | sum }} {{ l | max }} {{ ['b', 'A'] | sort }} {{ l | reverse | list }} {{ [1, 1, 2] | unique | list }} {{ {'b': 1, 'a': 2} | dictsort }}",
    "{{ m | tojson }} {{ [1, 1.5, true, none, 'é\\n\"<\\\\', {}, []] | tojson }} {{ {'a': [1, {'b': 2}], 'c': {}} | tojson(indent=2) }}",
    "{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ '3' | int + 1 }} {{ 'x' | int }} {{ '1.5' | float }} {{ 2.5 | round }} {{ -3 | abs }} {{ 3.7 | int }}",
    "{{ 1 is number }} {{ 'a' is string }} {{ m is mapping }} {{ l is iterable }} {{ l is sequence }} {{ 2 is even }} {{ 3 is divisibleby 3 }} {{ none is not none }} {{ 1 is eq 1 }} {{ true is boolean }} {{ 1 is boolean }} {{ 'A' is upper }}",
    "{{ range(3) | list }} {{ range(5, 1, -2) | list }} {{ dict(a=1, b='x') }} {{ strftime_now('%d %b %Y') }} {{ strftime_now('%A %B %y %%') }}",
    "{{ m.get('role') }} {{ m.get('x') }} {{ m.get('x', 7) }} {{ m.keys() | list }} {{ m.values() | list }} {{ m.items() | length }} {{ 'a b'.split(' ')[1] }}",
    "{% generation %}x{% endgeneration %} {{- 'y' if m.content is string and m.content | length > 3 else 'z' -}} {% if not m.tool_calls %}n{% endif %}",
    "{{ -1 | abs }} {{ 'a' ~ 'b' | upper }} {{ (1 + 1) ~ 1 }} {{ (1, 2) | length }} {{ {'a': 1}['a'] }} {{ m['role'] == 'user' and 'u' or 'v' }} {{ 10 // 3 * 2 }} {{ 1.0 }} {{ 1e20 * 1.0 if false else 100.0 * 1000 }}",
    "{{ raise_exception('no ' + m.role) }}", "{{ missing.x }}", "{{ 'a' + 1 }}", "{{ none + 'a' }}", "{{ missing() }}", "{{ missing + 1 }}", "{{ [1] + none }}",
]


class Date(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12, 30)


def render(template, variables):
    try:
        variables = dict(variables)
        texts = chat_template_utils.render_jinja_template(conversations=[variables.pop("messages", [])], chat_template=template, **variables)
        return dict(text=texts[0][0])
    except Exception as error:
        return dict(error=str(error) or type(error).__name__)


def main(folder):
    chat_template_utils.datetime = Date
    cases = []
    for name, template in PUBLISHED.items():
        for number, messages in enumerate((USER, SYSTEM, LONG, LONG[1:], ODD)):
            for answer in (True, False):
                cases.append((f"{name} {number} {answer}", template, dict(TOKENS, messages=messages, add_generation_prompt=answer)))
    cases.append(("qwen3 quiet", QWEN3, dict(TOKENS, messages=USER, add_generation_prompt=True, enable_thinking=False)))
    cases.append(("gemma3 parts", GEMMA3, dict(TOKENS, messages=[dict(role="user", content=[dict(type="text", text=" a ")])], add_generation_prompt=True)))
    call = dict(role="assistant", content="", tool_calls=[dict(type="function", function=dict(name="f", arguments=dict(x=1.5, y="\u00fc")))])
    for name in ("llama32", "qwen25", "mistral"):
        cases.append((f"{name} tools", PUBLISHED[name], dict(TOKENS, messages=USER, add_generation_prompt=True, tools=[TOOL])))
    for name in ("llama32", "qwen25"):
        messages = [*USER, call, dict(role="tool", content="4")]
        cases.append((f"{name} call", PUBLISHED[name], dict(TOKENS, messages=messages, add_generation_prompt=True)))
    for number, piece in enumerate(PIECES):
        cases.append((f"piece {number}", piece, dict(m=dict(role="user", content="caf\u00e9 <x>"), l=[1, 2, 3, 4, 5])))
    with open(Path(folder) / "templates.jsonl", "w", encoding="utf-8") as out:
        last = None
        for name, template, variables in sorted(cases, key=lambda case: case[0].split()[0]):
            if template != last:
                out.write(json.dumps(dict(template=name, source=template), ensure_ascii=False) + "\n")
            last = template
            out.write(json.dumps(dict(name=name, variables=variables, **render(template, variables)), ensure_ascii=False) + "\n")
    print(len(cases), "cases")


main(sys.argv[1])
