/* A handler without a line of C++: returns {"request":"<id>"}, or fails for an empty object. */
#include <fogbank/lambda.h>

#include <stdio.h>
#include <string.h>

static int handle(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {
    char text[256];
    fogbank_bytes out;
    int status = 0;
    if (event.size == 2 && memcmp(event.data, "{}", 2) == 0) {
        snprintf(text, sizeof text, "{\"errorType\":\"Empty\",\"errorMessage\":\"nothing in it\"}");
        status = 1;
    } else {
        snprintf(text, sizeof text, "{\"request\":\"%.*s\"}", (int)host->request_id.size, host->request_id.data);
    }
    out.data = text;
    out.size = strlen(text);
    result.set(result.owner, out);
    return status;
}

FOGBANK_LAMBDA_ENTRY(handle);
