/* Returns without a result, fails without an error object, or breaks the contract, as the event says: 0, 1, 2. */
#include <fogbank/lambda.h>

static int handle(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {
    static const char broken[] = "{\"errorType\":";
    fogbank_bytes out;
    (void)host;
    if (event.size == 1 && event.data[0] == '0') return 0;
    if (event.size == 1 && event.data[0] == '1') return 1;
    out.data = broken;
    out.size = sizeof broken - 1;
    result.set(result.owner, out);
    return 1;
}

FOGBANK_LAMBDA_ENTRY(handle);
