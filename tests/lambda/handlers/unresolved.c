/* Needs a function that nobody has. */
#include <fogbank/lambda.h>

int fogbank_tests_nobody_has_this(void);

static int handle(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {
    (void)host;
    result.set(result.owner, event);
    return fogbank_tests_nobody_has_this();
}

FOGBANK_LAMBDA_ENTRY(handle);
