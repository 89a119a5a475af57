/// What every engine must do. Include it in one file of a test program and instantiate `KvConformance` with the engines to be tested:
/// `INSTANTIATE_TEST_SUITE_P(Engines, KvConformance, testing::Values(EngineKind{"memory", [] { return make_memory_engine(); }}),
/// name_of_engine);`
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "store/kv/engine.h"
#include "store/kv/errc.h"
#include "tests/support/fakes.h"

namespace fogbank::store::kv {

/// One implementation: its name and how to make an empty engine.
struct EngineKind {
    std::string name;
    std::function<std::unique_ptr<Engine>()> make;
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) {
    *out << kind.name;
}
inline const auto name_of_engine = [](const auto& param) { return param.param.name; };

/// The obvious store, to compare with.
using Model = std::map<std::string, std::string>;
using Items = std::vector<std::pair<std::string, std::string>>;

inline Items items_of(const Page& page) {
    Items out;
    for (const auto& item : page.items) out.emplace_back(item.key, item.value);
    return out;
}

inline Items model_scan(const Model& model, const ScanOptions& options) {
    Items all;
    for (const auto& [key, value] : model) {
        if (key >= options.range.begin && (options.range.end.empty() || key < options.range.end)) all.emplace_back(key, value);
    }
    if (options.reverse) std::reverse(all.begin(), all.end());
    if (all.size() > options.items_max) all.resize(options.items_max);
    return all;
}

inline void model_erase_range(Model& model, const Range& range) {
    std::erase_if(model, [&](const auto& item) { return item.first >= range.begin && (range.end.empty() || item.first < range.end); });
}

inline ScanOptions scan_of(std::string begin, std::string end, bool reverse = false) {
    ScanOptions options;
    options.range = Range{std::move(begin), std::move(end)};
    options.reverse = reverse;
    return options;
}

class KvConformance : public ::testing::TestWithParam<EngineKind> {
  protected:
    void SetUp() override {
        engine_ = GetParam().make();
        ASSERT_NE(engine_, nullptr);
    }

    Result<void> commit(Batch batch) { return testing::run(engine_->commit(std::move(batch))); }
    Result<void> transact(TransactionBody body) { return testing::run(engine_->transact(std::move(body))); }

    Result<void> put(std::string key, std::string value) {
        Batch batch;
        batch.put(std::move(key), std::move(value));
        return commit(std::move(batch));
    }
    Result<void> erase(std::string key) {
        Batch batch;
        batch.erase(std::move(key));
        return commit(std::move(batch));
    }
    void fill(const Items& items) {
        Batch batch;
        for (const auto& [key, value] : items) batch.put(key, value);
        ASSERT_TRUE(commit(std::move(batch)));
    }

    std::optional<std::string> get(std::string key) {
        auto value = testing::run(engine_->get(std::move(key)));
        EXPECT_TRUE(value) << value.error().message;
        return value ? *value : std::nullopt;
    }
    Page scan(ScanOptions options) {
        auto page = testing::run(engine_->scan(std::move(options)));
        EXPECT_TRUE(page) << page.error().message;
        return page ? *page : Page();
    }
    Items all() { return items_of(scan(ScanOptions())); }

    std::unique_ptr<Engine> engine_;
};

// Reads

TEST_P(KvConformance, AnAbsentKeyHasNoValue) {
    EXPECT_EQ(get("nothing"), std::nullopt);
}

TEST_P(KvConformance, AnEmptyValueIsNotAnAbsentOne) {
    ASSERT_TRUE(put("empty", ""));
    EXPECT_EQ(get("empty"), "");
    EXPECT_EQ(all(), (Items{{"empty", ""}}));
    ASSERT_TRUE(transact([](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.get("empty"), "");
        t.put("also", "");
        EXPECT_EQ(*t.get("also"), "");
        return {};
    }));
    EXPECT_EQ(get("also"), "");
}

TEST_P(KvConformance, KeysAndValuesAreAnyBytes) {
    const std::string key("a\0b", 3), value("\0\xFF\0", 3);
    fill({{key, value}, {"a", "1"}, {std::string("a\0", 2), "2"}, {"", "empty key"}, {"\xFF\xFF", "last"}});
    EXPECT_EQ(get(key), value);
    EXPECT_EQ(get(""), "empty key");
    EXPECT_EQ(all(), (Items{{"", "empty key"}, {"a", "1"}, {std::string("a\0", 2), "2"}, {key, value}, {"\xFF\xFF", "last"}}));
}

TEST_P(KvConformance, KeysAreOrderedAsUnsignedBytes) {
    fill({{"\x80", ""}, {"\x7F", ""}, {"b", ""}, {"aa", ""}, {"a", ""}, {"\xFF", ""}, {"B", ""}});
    EXPECT_EQ(all(), (Items{{"B", ""}, {"a", ""}, {"aa", ""}, {"b", ""}, {"\x7F", ""}, {"\x80", ""}, {"\xFF", ""}}));
}

TEST_P(KvConformance, MultiGetAnswersInTheOrderAsked) {
    fill({{"a", "1"}, {"b", "2"}});
    const std::vector<std::string> keys{"b", "x", "a", "b"};
    auto values = testing::run(engine_->multi_get(keys));
    ASSERT_TRUE(values);
    EXPECT_EQ(*values, (std::vector<std::optional<std::string>>{"2", std::nullopt, "1", "2"}));
    values = testing::run(engine_->multi_get({}));
    ASSERT_TRUE(values);
    EXPECT_TRUE(values->empty());
}

TEST_P(KvConformance, ARangeIncludesItsBeginAndNotItsEnd) {
    fill({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}});
    EXPECT_EQ(items_of(scan(scan_of("b", "d"))), (Items{{"b", ""}, {"c", ""}}));
    EXPECT_EQ(items_of(scan(scan_of("b", "d", true))), (Items{{"c", ""}, {"b", ""}}));
    EXPECT_EQ(items_of(scan(scan_of("b", ""))), (Items{{"b", ""}, {"c", ""}, {"d", ""}}));
    EXPECT_EQ(items_of(scan(scan_of("b", "", true))), (Items{{"d", ""}, {"c", ""}, {"b", ""}}));
    EXPECT_EQ(items_of(scan(scan_of("", "b"))), (Items{{"a", ""}}));
    EXPECT_EQ(items_of(scan(scan_of("bb", "bc"))), Items());
    EXPECT_EQ(items_of(scan(scan_of("c", "c"))), Items());
    EXPECT_EQ(items_of(scan(scan_of("d", "a"))), Items());
    EXPECT_EQ(items_of(scan(scan_of("d", "a", true))), Items());
}

TEST_P(KvConformance, AScanStopsAtItsItemLimitAndGoesOnFromThere) {
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(put("k" + std::to_string(100 + i), std::to_string(i)));
    for (const bool reverse : {false, true}) {
        ScanOptions options = scan_of("k", "l", reverse);
        const Items whole = items_of(scan(options));
        ASSERT_EQ(whole.size(), 25U);
        options.items_max = 10;
        Items joined;
        for (int pages = 0; pages < 4; ++pages) {
            const Page page = scan(options);
            for (auto& item : items_of(page)) joined.push_back(std::move(item));
            if (!page.more) break;
            ASSERT_EQ(page.items.size(), 10U);
            (reverse ? options.range.end : options.range.begin) = page.items.back().key + (reverse ? std::string() : std::string(1, '\0'));
        }
        EXPECT_EQ(joined, whole);
    }
}

TEST_P(KvConformance, AScanStopsAfterTheItemThatReachesItsByteLimit) {
    fill({{"a", std::string(99, 'x')}, {"b", std::string(99, 'x')}, {"c", std::string(99, 'x')}});
    ScanOptions options;
    options.bytes_max = 101;
    Page page = scan(options);
    EXPECT_EQ(page.items.size(), 2U);
    EXPECT_TRUE(page.more);
    options.bytes_max = 1;  // a page is never empty because of a limit
    page = scan(options);
    EXPECT_EQ(page.items.size(), 1U);
    EXPECT_TRUE(page.more);
    options.bytes_max = 301;
    EXPECT_FALSE(scan(options).more);
}

TEST_P(KvConformance, AScanThatReachesTheEndOfTheRangeHasNoMore) {
    fill({{"a", ""}, {"b", ""}});
    EXPECT_FALSE(scan(ScanOptions()).more);
    EXPECT_FALSE(scan(scan_of("x", "y")).more);
}

// Batches

TEST_P(KvConformance, TheLastWriteOfABatchWins) {
    Batch batch;
    batch.put("a", "1");
    batch.put("a", "2");
    batch.erase("b");
    batch.put("b", "3");
    batch.put("c", "4");
    batch.erase("c");
    ASSERT_TRUE(commit(std::move(batch)));
    EXPECT_EQ(all(), (Items{{"a", "2"}, {"b", "3"}}));
}

TEST_P(KvConformance, ErasingAnAbsentKeyIsNoError) {
    ASSERT_TRUE(erase("a"));
    ASSERT_TRUE(commit(Batch()));
    EXPECT_EQ(all(), Items());
}

TEST_P(KvConformance, PreconditionsDecideOverTheWholeBatch) {
    fill({{"a", "1"}});
    struct Case {
        Precondition condition;
        bool holds;
    };
    using Kind = Precondition::Kind;
    const std::vector<Case> cases{{{"a", Kind::exists, ""}, true},  {{"x", Kind::exists, ""}, false}, {{"x", Kind::absent, ""}, true},
                                  {{"a", Kind::absent, ""}, false}, {{"a", Kind::equals, "1"}, true}, {{"a", Kind::equals, "2"}, false},
                                  {{"a", Kind::equals, ""}, false}, {{"x", Kind::equals, ""}, false}};
    int number = 0;
    for (const auto& c : cases) {
        Batch batch;
        batch.preconditions.push_back(Precondition{"a", Kind::exists, ""});
        batch.preconditions.push_back(c.condition);
        batch.put("first" + std::to_string(++number), "");
        batch.put("second" + std::to_string(number), "");
        const auto done = commit(std::move(batch));
        EXPECT_EQ(done.has_value(), c.holds) << number;
        if (!done) {
            EXPECT_EQ(done.error().code, Errc::precondition_failed);
        }
        EXPECT_EQ(get("first" + std::to_string(number)).has_value(), c.holds) << number;
        EXPECT_EQ(get("second" + std::to_string(number)).has_value(), c.holds) << number;
    }
}

TEST_P(KvConformance, APreconditionIsJudgedBeforeTheBatchsOwnWrites) {
    Batch batch;
    batch.preconditions.push_back(Precondition{"a", Precondition::Kind::absent, ""});
    batch.put("a", "1");
    ASSERT_TRUE(commit(std::move(batch)));
    EXPECT_EQ(get("a"), "1");
}

TEST_P(KvConformance, WhatIsTooLargeIsRefusedAndNothingOfItWritten) {
    Batch batch;
    batch.put("a", "1");
    batch.put(std::string(key_bytes_max + 1, 'k'), "2");
    auto done = commit(std::move(batch));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::too_large);
    done = put("v", std::string(value_bytes_max + 1, 'v'));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::too_large);
    done = transact([](Transaction& t) -> Result<void> {
        t.put("b", "1");
        t.put(std::string(key_bytes_max + 1, 'k'), "2");
        return {};
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::too_large);
    EXPECT_EQ(all(), Items());
}

TEST_P(KvConformance, TheLargestKeyAndALargeValueAreKept) {
    const std::string key(key_bytes_max, 'k');
    std::string value(3'000'000, '\0');
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 31);
    ASSERT_TRUE(put(key, value));
    EXPECT_EQ(get(key), value);
}

// Transactions

TEST_P(KvConformance, ATransactionSeesItsOwnWrites) {
    fill({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
    ASSERT_TRUE(transact([](Transaction& t) -> Result<void> {
        t.put("b", "two");
        t.erase("c");
        t.put("bb", "new");
        EXPECT_EQ(*t.get("a"), "1");
        EXPECT_EQ(*t.get("b"), "two");
        EXPECT_EQ(*t.get("c"), std::nullopt);
        EXPECT_EQ(items_of(*t.scan(ScanOptions())), (Items{{"a", "1"}, {"b", "two"}, {"bb", "new"}, {"d", "4"}}));
        EXPECT_EQ(items_of(*t.scan(scan_of("b", "d", true))), (Items{{"bb", "new"}, {"b", "two"}}));
        return {};
    }));
    EXPECT_EQ(all(), (Items{{"a", "1"}, {"b", "two"}, {"bb", "new"}, {"d", "4"}}));
}

TEST_P(KvConformance, ErasedRangesStayErasedUntilWrittenAgain) {
    for (char c = 'a'; c <= 'z'; ++c) ASSERT_TRUE(put(std::string(1, c), "old"));
    ASSERT_TRUE(transact([](Transaction& t) -> Result<void> {
        t.put("c", "lost");
        t.erase_range(Range{"b", "y"});
        t.put("m", "new");
        t.erase_range(Range{"n", "n"});  // empty
        EXPECT_EQ(*t.get("c"), std::nullopt);
        EXPECT_EQ(*t.get("x"), std::nullopt);
        EXPECT_EQ(*t.get("m"), "new");
        EXPECT_EQ(items_of(*t.scan(ScanOptions())), (Items{{"a", "old"}, {"m", "new"}, {"y", "old"}, {"z", "old"}}));
        ScanOptions limited = scan_of("", "", true);
        limited.items_max = 3;
        EXPECT_EQ(items_of(*t.scan(limited)), (Items{{"z", "old"}, {"y", "old"}, {"m", "new"}}));
        return {};
    }));
    EXPECT_EQ(all(), (Items{{"a", "old"}, {"m", "new"}, {"y", "old"}, {"z", "old"}}));
    ASSERT_TRUE(transact([](Transaction& t) -> Result<void> {
        t.erase_range(Range());
        return {};
    }));
    EXPECT_EQ(all(), Items());
}

TEST_P(KvConformance, ABodyThatRefusesLeavesNoTraceAndItsErrorArrives) {
    fill({{"a", "1"}});
    const auto done = transact([](Transaction& t) -> Result<void> {
        t.put("a", "2");
        t.put("b", "2");
        t.erase_range(Range());
        return Error{Errc::conflict, "not today"};
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::conflict);
    EXPECT_EQ(done.error().message, "not today");
    EXPECT_EQ(all(), (Items{{"a", "1"}}));
}

/// Random transactions against a std::map: what they read on the way and what they leave.
class RandomTransaction {
  public:
    explicit RandomTransaction(std::uint32_t seed) : random_(seed) {}

    Result<void> step(Transaction& t, Model& model) {
        switch (random_() % 6) {
            case 0:
                return erase(t, model);
            case 1:
                return erase_range(t, model);
            case 2:
                return compare_get(t, model);
            case 3:
                return compare_scan(t, model);
            default:
                return put(t, model);
        }
    }
    bool one_in(std::uint32_t n) { return random_() % n == 0; }

  private:
    std::string key() {
        std::string out;
        for (auto length = random_() % 3; length-- > 0;) out.push_back("ab\xFF"[random_() % 3]);
        return out;
    }
    Range range() { return Range{key(), key()}; }

    Result<void> put(Transaction& t, Model& model) {
        const std::string k = key(), v = std::to_string(random_() % 100) + std::string(one_in(3) ? 800 + random_() % 9000 : 0, 'v');
        t.put(k, v);
        model[k] = v;
        return {};
    }
    Result<void> erase(Transaction& t, Model& model) {
        const std::string k = key();
        t.erase(k);
        model.erase(k);
        return {};
    }
    Result<void> erase_range(Transaction& t, Model& model) {
        const Range r = range();
        t.erase_range(r);
        model_erase_range(model, r);
        return {};
    }
    Result<void> compare_get(Transaction& t, const Model& model) {
        const std::string k = key();
        const auto expected = model.find(k);
        const auto found = t.get(k);
        if (!found) return found.error();
        EXPECT_EQ(*found, expected == model.end() ? std::nullopt : std::optional(expected->second));
        return {};
    }
    Result<void> compare_scan(Transaction& t, const Model& model) {
        ScanOptions options;
        options.range = range();
        options.reverse = one_in(2);
        options.items_max = 1 + random_() % 6;
        const auto page = t.scan(options);
        if (!page) return page.error();
        EXPECT_EQ(items_of(*page), model_scan(model, options));
        EXPECT_EQ(page->more, page->items.size() == options.items_max);
        return {};
    }

    std::mt19937 random_;
};

TEST_P(KvConformance, RandomTransactionsAgreeWithAMap) {
    Model model;
    RandomTransaction random(7);
    for (int round = 0; round < 400 && !HasFailure(); ++round) {
        const bool refuse = random.one_in(4);
        Model changed;
        const auto done = transact([&](Transaction& t) -> Result<void> {
            changed = model;
            for (int i = 0; i < 12; ++i) {
                if (auto step = random.step(t, changed); !step) return step;
            }
            if (refuse) return Error{Errc::conflict, "refused"};
            return {};
        });
        EXPECT_EQ(done.has_value(), !refuse);
        if (!refuse) model = changed;
        ASSERT_EQ(all(), Items(model.begin(), model.end())) << "round " << round;
    }
}

// Order and concurrency

TEST_P(KvConformance, SubmissionsOfOneThreadTakeEffectAndCompleteInOrder) {
    constexpr int count = 500;
    std::vector<int> completed;
    std::promise<void> all_done;
    for (int i = 0; i < count; ++i) {
        CommitHandler done = [&, i](Result<void> result) {
            EXPECT_EQ(result.has_value(), i % 3 != 2);
            completed.push_back(i);
            if (i + 1 == count) all_done.set_value();
        };
        if (i % 3 == 0) {
            Batch batch;
            batch.put("last", std::to_string(i));
            engine_->commit(std::move(batch), std::move(done));
        } else if (i % 3 == 1) {
            engine_->transact(
                [i](Transaction& t) -> Result<void> {
                    EXPECT_EQ(*t.get("last"), std::to_string(i - 1));
                    t.put("last", std::to_string(i));
                    return {};
                },
                std::move(done));
        } else {
            Batch batch;
            batch.preconditions.push_back(Precondition{"last", Precondition::Kind::equals, "something else"});
            batch.put("last", "refused");
            engine_->commit(std::move(batch), std::move(done));
        }
    }
    all_done.get_future().wait();
    ASSERT_EQ(completed.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::is_sorted(completed.begin(), completed.end()));
    EXPECT_EQ(get("last"), "499");
}

TEST_P(KvConformance, ConcurrentReadModifyWriteLosesNoUpdate) {
    constexpr int threads = 4, rounds = 100;
    std::vector<std::thread> workers;
    for (int w = 0; w < threads; ++w) {
        workers.emplace_back([this, w] {
            for (int i = 0; i < rounds; ++i) {
                const auto done = transact([w](Transaction& t) -> Result<void> {
                    for (const auto& key : {std::string("sum"), "sum" + std::to_string(w)}) {
                        auto value = t.get(key);
                        if (!value) return value.error();
                        t.put(key, std::to_string(*value ? std::stoi(**value) + 1 : 1));
                    }
                    return {};
                });
                EXPECT_TRUE(done);
            }
        });
    }
    for (auto& worker : workers) worker.join();
    EXPECT_EQ(get("sum"), std::to_string(threads * rounds));
    for (int w = 0; w < threads; ++w) EXPECT_EQ(get("sum" + std::to_string(w)), std::to_string(rounds));
}

TEST_P(KvConformance, CompareAndSetByPreconditionLosesNoUpdate) {
    constexpr int threads = 3, rounds = 50;
    ASSERT_TRUE(put("n", "0"));
    std::vector<std::thread> workers;
    for (int w = 0; w < threads; ++w) {
        workers.emplace_back([this] {
            for (int won = 0; won < rounds;) {
                const auto seen = get("n");
                Batch batch;
                batch.preconditions.push_back(Precondition{"n", Precondition::Kind::equals, *seen});
                batch.put("n", std::to_string(std::stoi(*seen) + 1));
                const auto done = commit(std::move(batch));
                if (done)
                    ++won;
                else
                    EXPECT_EQ(done.error().code, Errc::precondition_failed);
            }
        });
    }
    for (auto& worker : workers) worker.join();
    EXPECT_EQ(get("n"), std::to_string(threads * rounds));
}

TEST_P(KvConformance, WhatIsCommittedIsSeenByEveryLaterReadFromAnyThread) {
    for (int i = 0; i < 100; ++i) {
        const auto value = std::to_string(i);
        ASSERT_TRUE(put("k", value));
        EXPECT_EQ(get("k"), value);
        if (i % 10 == 0) std::thread([&] { EXPECT_EQ(get("k"), value); }).join();
    }
}

TEST_P(KvConformance, ReadersSeeAllOfABatchOrNothingOfIt) {
    fill({{"x", "0"}, {"y", "0"}});
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r) {
        readers.emplace_back([&, r] {
            const std::vector<std::string> keys{"x", "y"};
            while (!stop) {
                if (r == 0) {
                    const auto pair = testing::run(engine_->multi_get(keys));
                    ASSERT_TRUE(pair);
                    ASSERT_EQ((*pair)[0], (*pair)[1]);
                } else {
                    const Items items = all();
                    ASSERT_EQ(items.at(0).second, items.at(1).second);
                }
            }
        });
    }
    for (int i = 1; i <= 200; ++i) fill({{"x", std::to_string(i)}, {"y", std::to_string(i)}});
    stop = true;
    for (auto& reader : readers) reader.join();
}

TEST_P(KvConformance, AHandlerMaySubmitAgain) {
    std::promise<Result<void>> second;
    Batch batch;
    batch.put("a", "1");
    engine_->commit(std::move(batch), [&](Result<void> first) {
        EXPECT_TRUE(first);
        Batch next;
        next.put("b", "2");
        engine_->commit(std::move(next), [&](Result<void> done) { second.set_value(std::move(done)); });
    });
    EXPECT_TRUE(second.get_future().get());
    EXPECT_EQ(all(), (Items{{"a", "1"}, {"b", "2"}}));
}

// Stop

TEST_P(KvConformance, StopFinishesWhatWasSubmittedAndRefusesTheRest) {
    std::atomic<int> succeeded{0};
    for (int i = 0; i < 200; ++i) {
        Batch batch;
        batch.put("k" + std::to_string(i), "");
        engine_->commit(std::move(batch), [&](Result<void> done) { succeeded += done.has_value() ? 1 : 0; });
    }
    engine_->stop();
    EXPECT_EQ(succeeded, 200);
    engine_->stop();  // again is no error

    EXPECT_EQ(put("late", "").error().code, Errc::stopped);
    EXPECT_EQ(transact([](Transaction&) -> Result<void> { return {}; }).error().code, Errc::stopped);
    EXPECT_EQ(testing::run(engine_->get("k1")).error().code, Errc::stopped);
    EXPECT_EQ(testing::run(engine_->multi_get({})).error().code, Errc::stopped);
    EXPECT_EQ(testing::run(engine_->scan(ScanOptions())).error().code, Errc::stopped);
}

}  // namespace fogbank::store::kv
