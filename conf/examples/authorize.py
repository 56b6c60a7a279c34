"""A call of a model under a budget: authorize, call, settle. With requests.

    TALLY_URL=http://127.0.0.1:8080 TALLY_API_KEY=tally_... python3 authorize.py [CALL]

The key needs the scopes authorize and budgets:read. CALL is the application's own name of this
call: run again with it, the call is authorized and stored once. Exit status 3: refused.
"""
import os
import sys
import time
import uuid

import requests

WHAT = {"external_user_id": "ada", "feature": "chat", "provider": "openai", "model": "gpt-4o-mini"}
tally = requests.Session()
tally.headers["Authorization"] = "Bearer " + os.environ["TALLY_API_KEY"]
patience = 60  # seconds that are waited in all, of what Retry-After asks for


def ask(method, path, **more):
    """503, 429 or no answer: not now, so the same again, with the same Idempotency-Key: what was
    done before the answer was lost is not done twice."""
    global patience
    while True:
        try:
            answer = tally.request(method, os.environ["TALLY_URL"] + path, timeout=30, **more)
            status, wait = answer.status_code, int(answer.headers.get("Retry-After", patience + 1))
            if status not in (429, 503) or wait > patience:
                return answer
        except (requests.ConnectionError, requests.Timeout):
            status, wait = "nothing", 1
            if wait > patience:
                raise
        patience -= wait
        print(f"Tally answers {status}: again in {wait} s", file=sys.stderr)
        time.sleep(wait)


def need(answer, *statuses):
    """Anything else ends the program."""
    if answer.status_code not in statuses:
        sys.exit(f"Tally answers {answer.status_code}: {answer.text}")
    return answer.json()


def call_model():
    """In place of the provider's API: its answer, and the tokens that it says it has used."""
    print("The model is called.", file=sys.stderr)
    return "A budget is a limit.", {"input_tokens": 1200, "output_tokens": 350}


call = sys.argv[1] if len(sys.argv) > 1 else str(uuid.uuid4())
answer = ask("POST", "/v1/authorizations", headers={"Idempotency-Key": call},
             json={**WHAT, "input_tokens": 1200, "max_output_tokens": 1000})
if answer.status_code in (402, 429):
    problem = answer.json()
    budget = problem.get("budget", {})
    print(f"Refused: {problem['detail']} {budget.get('name', problem.get('reason', 'no budget'))},",
          f"{budget.get('remaining_cents', '?')} cents left,",
          f"resets at {budget.get('resets_at', '?')}", file=sys.stderr)
    sys.exit(3)
held = need(answer, 201)
print("Held:", held["held_cents"], "cents")

try:
    text, usage = call_model()
except Exception:
    # A call that was not made gives back at once what is held for it.
    need(ask("POST", f"/v1/authorizations/{held['id']}/void"), 200)
    raise

# The record's id follows from the authorization's, so that it is counted once without a key, too.
answer = ask("POST", f"/v1/authorizations/{held['id']}/settle", json={**WHAT, **usage})
record = need(answer, 200, 201)
print("Cost:", record["estimated_cost_cents"], "cents")
for budget in need(ask("GET", "/v1/budgets/check", params=WHAT), 200)["budgets"]:
    print(f"Left of {budget['name']}: {budget.get('remaining_cents', 'any')} cents")
