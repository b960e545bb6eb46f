-- wrk: one allowed grant-mode request after another, each a new action.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEYTURN_TOKEN")
wrk.body = '{"tool":"tool-500","args":{"ref":"v1.2.3"},"reason":"bench"}'
