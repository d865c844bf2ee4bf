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
LC_ALL=C sed -e "s/61141994-d4da-4747-91a3-e355f758d616/$trip_1/g" "$here"/provoked-429-window-0.body > "$tmp/0.body"
trip_2=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/26bdee11-4206-4b80-803c-a990269feaf7/$trip_2/g" "$here"/provoked-429-window-1.body > "$tmp/1.body"
trip_3=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/620f999a-42f2-4259-a94d-ba356568263a/$trip_3/g" "$here"/provoked-429-window-2.body > "$tmp/2.body"
trip_4=$(python3 -c 'import uuid; print(uuid.uuid4())')
LC_ALL=C sed -e "s/00646235-4a0a-41ca-9dc5-55436748d383/$trip_4/g" "$here"/provoked-429-window-3.body > "$tmp/3.body"
curl -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/0.body" -w '\n\n' \
  --next -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/1.body" -w '\n\n' \
  --next -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/2.body" -w '\n\n' | tee "$tmp/answers"
sit_out "$tmp/answers"
curl -sS -i --http1.1 -m 5 -X POST http://127.0.0.1:8931/v1/capture/charge -H 'Accept-Encoding: identity' -H 'Accept: application/json' -H 'Content-Type: application/json' -H 'X-Provoke: 429' -H "X-Client: ${unique}" --data-binary "@$tmp/3.body" -w '\n\n' | tee "$tmp/answers"
