#!/bin/sh
# provoked-429-window: A provoked rate limit, to its end
# Sends 4 requests, which may charge, and shows every answer. Credentials are read from variables.
here=$(dirname "$0")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
unique=$(date +%s%N)

sit_out() {  # waits as long as the last Retry-After in the file asks
    after=$(tr -d '\r' < "$1" | sed -n 's/^[Rr]etry-[Aa]fter: *//p' | tail -n 1)
    case $after in
        *[!0-9]*) after=$(($(date -d "$after" +%s) - $(date +%s) + 1)) ;;
    esac
    echo "... waiting ${after:-0} s"
    sleep "${after:-0}"
}

trip_1=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/29155353-2c44-4612-9aa1-faf3486fba3c/$trip_1/g" "$here"/provoked-429-window-0.body > "$tmp/0.body"
trip_2=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/39ec6902-b595-4ed7-ab53-10888ad38b31/$trip_2/g" "$here"/provoked-429-window-1.body > "$tmp/1.body"
trip_3=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/a27640e3-0156-421f-b6f0-60e0270c5aa5/$trip_3/g" "$here"/provoked-429-window-2.body > "$tmp/2.body"
trip_4=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/e16b08a2-48ef-42d8-bd82-14360a655c40/$trip_4/g" "$here"/provoked-429-window-3.body > "$tmp/3.body"
curl -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/0.body" -w '\n\n' \
  --next -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/1.body" -w '\n\n' \
  --next -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/2.body" -w '\n\n' | tee "$tmp/answers"
sit_out "$tmp/answers"
curl -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/3.body" -w '\n\n' | tee "$tmp/answers"
