/// A table service over the memory engine, with the calls that every test makes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "store/kv/memory_engine.h"
#include "store/table/errc.h"
#include "store/table/json.h"
#include "store/table/table_api.h"
#include "tests/support/fakes.h"

namespace fogbank::testing {

class TableFixture : public ::testing::Test {
  protected:
    using TableService = store::table::TableApi;
    using KeyAttribute = store::table::KeyAttribute;
    using Item = store::table::Item;

    TableFixture() { reopen(); }

    TableService& service() { return *service_; }
    store::kv::Engine& engine() { return *engine_; }
    void reopen() {
        service_.reset();
        service_ = open_another();
    }
    /// A second service over the same engine, as on another node.
    std::unique_ptr<TableService> open_another() {
        TableService::Dependencies dependencies{*engine_, clock_, random_, ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                                Quotas(QuotaProfile::aws)};
        auto opened = run(store::table::open_table_service(dependencies));
        EXPECT_TRUE(opened);
        return std::move(*opened);
    }

    static void create_on(TableService& service, std::string_view name, KeyAttribute partition_key,
                          std::optional<KeyAttribute> sort_key = {}) {
        store::table::CreateTableRequest request;
        request.name = TableName(name);
        request.key_schema.partition_key = std::move(partition_key);
        request.key_schema.sort_key = std::move(sort_key);
        const auto created = run(service.create_table(std::move(request)));
        ASSERT_TRUE(created) << created.error().message;
    }
    void create(std::string_view name, KeyAttribute partition_key, std::optional<KeyAttribute> sort_key = {}) {
        create_on(*service_, name, std::move(partition_key), std::move(sort_key));
    }

    /// The rules engine's put. The memory engine answers before it returns.
    Result<void> fast_put(std::string_view table, std::string_view plain) {
        std::optional<Result<void>> answer;
        service_->put_item(TableName(table), *store::table::item_from_plain_json(plain),
                           [&](Result<void> result) { answer = std::move(result); });
        return answer.value();
    }
    std::optional<Item> get(std::string_view table, std::string_view key) {
        store::table::GetItemRequest request;
        request.table = TableName(table);
        request.key = *store::table::item_from_plain_json(key);
        auto outcome = run(service_->get_item(std::move(request)));
        EXPECT_TRUE(outcome);
        return outcome ? std::move(outcome->item) : std::nullopt;
    }
    std::vector<Item> scan_all(std::string_view table) {
        std::vector<Item> items;
        store::table::ScanRequest request;
        request.table = TableName(table);
        do {
            auto page = run(service_->scan(request));
            EXPECT_TRUE(page);
            if (!page) break;
            for (auto& item : page->items) items.push_back(std::move(item));
            request.exclusive_start_key = page->last_evaluated_key;
        } while (request.exclusive_start_key);
        return items;
    }

    std::unique_ptr<store::kv::Engine> engine_ = store::kv::make_memory_engine();
    ManualClock clock_;
    SeededRandom random_;
    std::unique_ptr<TableService> service_;
};

}  // namespace fogbank::testing
