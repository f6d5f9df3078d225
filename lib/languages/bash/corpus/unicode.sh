text='ß 😀 日本語'
echo "$text" "${#text}" "${text:2:1}"
