#include <fogbank/lambda.h>

static int handle(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {
    (void)host;
    result.set(result.owner, event);
    return 0;
}

const fogbank_lambda_entry_t fogbank_lambda_entry = {7u, sizeof(fogbank_lambda_entry_t), handle};
