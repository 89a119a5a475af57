/// The functions behind fogbank_host.
#pragma once

#include "lambda/invocation.h"

namespace fogbank::lambda {

/// Called by handlers through C pointers; `state` is the Invocation. Nothing throws across.
struct HostCalls {
    static fogbank_host host_table(Invocation& invocation);

    static void log(void* state, fogbank_bytes line);
    static fogbank_bytes environment(void* state, fogbank_bytes name);
    static int put_item(void* state, fogbank_bytes table_name, fogbank_bytes item_json, fogbank_sink error);
    static int get_item(void* state, fogbank_bytes table_name, fogbank_bytes key_json, fogbank_sink item, fogbank_sink error);
    static int publish(void* state, fogbank_bytes topic, fogbank_bytes payload, int qos, fogbank_sink error);
    static std::int64_t now_ms(void* state);
    static int delete_item(void* state, fogbank_bytes table_name, fogbank_bytes key_json, fogbank_sink error);
    static int get_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_sink document, fogbank_sink error);
    static int update_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_bytes document, fogbank_sink accepted,
                             fogbank_sink error);
};

}  // namespace fogbank::lambda
