#include "tests/store/kv_conformance.h"

#include "store/kv/memory_engine.h"

namespace fogbank::store::kv {
namespace {

INSTANTIATE_TEST_SUITE_P(Engines, KvConformance, ::testing::Values(EngineKind{"memory", [] { return make_memory_engine(); }}),
                         name_of_engine);

}  // namespace
}  // namespace fogbank::store::kv
