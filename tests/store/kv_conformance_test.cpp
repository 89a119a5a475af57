#include "tests/store/kv_conformance.h"

#include "store/kv/memory_engine.h"
#include "store/kv/sqlite_engine.h"
#include "tests/store/temporary_folder.h"

namespace fogbank::store::kv {
namespace {

class TemporarySqliteEngine {
  public:
    static std::unique_ptr<Engine> make() {
        static testing::TemporaryFolder folder;
        static int number = 0;
        SqliteOptions options;
        options.file = folder.path() / ("kv" + std::to_string(++number) + ".db");
        options.durability = Durability::process_crash_safe;  // the same behaviour, faster
        auto engine = open_sqlite_engine(options);
        EXPECT_TRUE(engine) << engine.error().message;
        return engine ? std::move(*engine) : nullptr;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, KvConformance,
                         ::testing::Values(EngineKind{"memory", make_memory_engine}, EngineKind{"sqlite", TemporarySqliteEngine::make}),
                         name_of_engine);

}  // namespace
}  // namespace fogbank::store::kv
