#include <fogbank/lambda.h>

const fogbank_lambda_entry_t fogbank_lambda_entry = {FOGBANK_LAMBDA_ABI_VERSION, sizeof(fogbank_lambda_entry_t), NULL};
