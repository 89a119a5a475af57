// Properties over random items: the codec, the order of keys, queries and parallel scans against the obvious versions.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "store/table/detail/condition.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_key.h"
#include "tests/store/table_fixture.h"

namespace fogbank::store::table {
namespace {

using testing::run;

class RandomItems {
  public:
    explicit RandomItems(unsigned seed) : engine_(seed) {}

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_); }

    /// Short and from few characters, zero bytes among them, so that prefixes and equal keys happen.
    std::string text() {
        std::string out;
        for (std::size_t i = below(5); i > 0; --i) out.push_back("ab\0\x01\xC3\xA9z"[below(7)]);
        return out;
    }
    Decimal number() {
        std::string text = below(2) == 0 ? "-" : "";
        for (std::size_t i = below(38) + 1; i > 0; --i) text.push_back(static_cast<char>('0' + below(10)));
        text += "E" + std::to_string(static_cast<int>(below(12)) - 20);
        return *Decimal::parse(text);
    }
    AttributeValue value(int depth) {
        switch (below(depth < 3 ? 10 : 8)) {
            case 0:
                return AttributeValue(text());
            case 1:
                return AttributeValue(number());
            case 2:
                return AttributeValue(Binary{text()});
            case 3:
                return AttributeValue(below(2) == 0);
            case 4:
                return AttributeValue(Null());
            case 5:
                return AttributeValue(StringSet{text() + "x", text() + "y"});
            case 6:
                return AttributeValue(NumberSet{number(), number()});
            case 7:
                return AttributeValue(BinarySet{Binary{text() + "x"}});
            case 8:
                return AttributeValue(item(depth + 1));
            default: {
                List list;
                for (std::size_t i = below(4); i > 0; --i) list.push_back(value(depth + 1));
                return AttributeValue(std::move(list));
            }
        }
    }
    Item item(int depth = 0) {
        Item out;
        for (std::size_t i = below(5); i > 0; --i) out.insert_or_assign(text() + "n", value(depth));
        return out;
    }

  private:
    std::mt19937 engine_;
};

TEST(ItemCodec, DecodesWhatItEncodes) {
    RandomItems random(1);
    for (int i = 0; i < 2000; ++i) {
        const Item item = random.item();
        const std::size_t size = item_size_bytes(item);
        const std::string bytes = encode_item(item, size);
        const auto decoded = decode_item(bytes);
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_EQ(*decoded, item);
        EXPECT_EQ(*stored_item_size(bytes), size);
    }
}

TEST(ItemCodec, RefusesEveryCutAndSurvivesEveryFlip) {
    RandomItems random(2);
    for (int i = 0; i < 100; ++i) {
        const Item item = random.item();
        const std::string bytes = encode_item(item, item_size_bytes(item));
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_item(bytes.substr(0, cut)));
        EXPECT_FALSE(decode_item(bytes + '\0'));
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            std::string flipped = bytes;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
            (void)decode_item(flipped);  // an item or an error
        }
    }
}

TEST(TypedJson, ReadsWhatItWrites) {
    RandomItems random(3);
    for (int i = 0; i < 500; ++i) {
        Item item;
        item.emplace("n", AttributeValue(random.number()));
        item.emplace("b", AttributeValue(Binary{random.text()}));
        item.emplace("ns", AttributeValue(NumberSet{random.number(), random.number()}));
        item.emplace("l", AttributeValue(List{AttributeValue(random.number()), AttributeValue(Null()), AttributeValue(true)}));
        const auto read = item_from_typed_json(typed_json(item));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*read, item);
    }
}

TEST(ItemKeys, BytesOrderAsDynamoDbDoes) {
    RandomItems random(4);
    for (int i = 0; i < 20'000; ++i) {
        const bool numbers = random.below(2) == 0;
        const AttributeValue a = numbers ? AttributeValue(random.number()) : AttributeValue(random.text());
        const AttributeValue b = numbers ? AttributeValue(random.number()) : AttributeValue(random.text());
        EXPECT_EQ(sortable_key_value(a) <=> sortable_key_value(b), *compare_values(a, b));
        if (!numbers && begins_with(a, b)) {
            EXPECT_TRUE(sortable_key_value(a).starts_with(sortable_key_beginning(b)));
        }
    }
}

TEST(ItemKeys, EveryPartitionIsInOneSegmentAndInItsRange) {
    RandomItems random(5);
    KeySchema schema;
    schema.partition_key = {"id", KeyType::string};
    for (const std::uint64_t total : {1, 2, 3, 5, 64, 100, 1'000'000}) {
        for (int i = 0; i < 200; ++i) {
            Item item;
            item.emplace("id", AttributeValue(random.text() + std::to_string(i)));
            const std::string key = item_key(7, schema, item);
            std::uint64_t owner = total;
            for (std::uint64_t index = 0; index < std::min<std::uint64_t>(total, 100); ++index) {
                const Segment segment{index, total};
                if (!is_in_segment({&item.at("id")}, segment)) continue;
                EXPECT_EQ(owner, total) << "two segments";
                owner = index;
                const kv::Range range = segment_range(keyspace(7), segment);
                EXPECT_LE(range.begin, key);
                EXPECT_LT(key, range.end);
            }
            if (total <= 100) {
                EXPECT_LT(owner, total) << "no segment";
            }
        }
    }
}

/// Table `samples` with string partition and number sort keys, and the same items in memory.
class AgainstMemory : public testing::TableFixture {
  protected:
    static constexpr int items = 400;

    AgainstMemory() {
        create("samples", {"id", KeyType::string}, KeyAttribute{"at", KeyType::number});
        for (int i = 0; i < items; ++i) {
            Item item;
            item.emplace("id", AttributeValue("p" + std::to_string(random_items_.below(4))));
            item.emplace("at", AttributeValue(random_items_.number()));
            item.emplace("v", AttributeValue(Decimal(static_cast<std::int64_t>(random_items_.below(10)))));
            remembered_.push_back(item);
            PutItemRequest request;
            request.table = TableName("samples");
            request.item = std::move(item);
            EXPECT_TRUE(run(service().put_item(std::move(request))));
        }
    }

    std::vector<Item> expected(const AttributeValue& id, std::string_view comparator, const Decimal& bound, bool forward,
                               std::int64_t v_min) {
        std::vector<Item> out;
        for (const auto& item : remembered_) {
            const Decimal& at = *item.at("at").number();
            const bool in_range = (comparator == "=" && at == bound) || (comparator == "<" && at < bound) ||
                                  (comparator == "<=" && at <= bound) || (comparator == ">" && at > bound) ||
                                  (comparator == ">=" && at >= bound);
            if (item.at("id") == id && in_range && *item.at("v").number() >= Decimal(v_min)) out.push_back(item);
        }
        std::sort(out.begin(), out.end(), [&](const Item& a, const Item& b) {
            const auto order = *a.at("at").number() <=> *b.at("at").number();
            return forward ? order < 0 : order > 0;
        });
        return out;
    }

    std::vector<Item> queried(QueryRequest request) {
        std::vector<Item> out;
        for (int page_number = 0; page_number <= items; ++page_number) {
            auto page = run(service().query(request));
            EXPECT_TRUE(page) << page.error().message;
            if (!page) break;
            EXPECT_LE(page->scanned_count, request.limit.value_or(items));
            for (auto& item : page->items) out.push_back(std::move(item));
            request.exclusive_start_key = std::move(page->last_evaluated_key);
            if (!request.exclusive_start_key) break;
        }
        return out;
    }

    RandomItems random_items_{6};
    std::vector<Item> remembered_;
};

TEST_F(AgainstMemory, QueriesAgree) {
    for (int i = 0; i < 200; ++i) {
        const std::string_view comparators[] = {"=", "<", "<=", ">", ">="};
        const std::string comparator(comparators[random_items_.below(5)]);
        const Decimal bound = *remembered_[random_items_.below(items)].at("at").number();
        const AttributeValue id("p" + std::to_string(random_items_.below(5)));
        const auto v_min = static_cast<std::int64_t>(random_items_.below(10));
        QueryRequest request;
        request.table = TableName("samples");
        request.key_condition.text = "id = :id AND #at " + comparator + " :at";
        request.filter.text = "v >= :v";
        request.placeholders.names.emplace("#at", "at");
        request.placeholders.values.emplace(":id", id);
        request.placeholders.values.emplace(":at", AttributeValue(bound));
        request.placeholders.values.emplace(":v", AttributeValue(Decimal(v_min)));
        request.scan_index_forward = random_items_.below(2) == 0;
        if (random_items_.below(2) == 0) request.limit = static_cast<std::int64_t>(random_items_.below(20)) + 1;
        EXPECT_EQ(queried(request), expected(id, comparator, bound, request.scan_index_forward, v_min));
    }
}

TEST_F(AgainstMemory, SegmentsTogetherAreTheWholeTableOnce) {
    for (const std::int64_t total : {1, 2, 3, 7, 100}) {
        std::multiset<std::string> seen;
        for (std::int64_t segment = 0; segment < total; ++segment) {
            ScanRequest request;
            request.table = TableName("samples");
            request.segment = segment;
            request.total_segments = total;
            request.limit = 17;
            do {
                auto page = run(service().scan(request));
                ASSERT_TRUE(page) << page.error().message;
                for (const auto& item : page->items) seen.insert(plain_json(item));
                request.exclusive_start_key = std::move(page->last_evaluated_key);
            } while (request.exclusive_start_key);
        }
        std::multiset<std::string> all;
        for (const auto& item : remembered_) all.insert(plain_json(item));
        EXPECT_EQ(seen, all) << total << " segments";
    }
}

class LargePages : public testing::TableFixture {};

TEST_F(LargePages, APageEndsAtOneMegabyte) {
    create("samples", {"id", KeyType::string}, KeyAttribute{"at", KeyType::number});
    const std::string filling(100'000, 'x');
    for (int i = 0; i < 25; ++i)
        ASSERT_TRUE(fast_put("samples", "{\"id\":\"a\",\"at\":" + std::to_string(i) + ",\"v\":\"" + filling + "\"}"));
    QueryRequest request;
    request.table = TableName("samples");
    request.key_condition.text = "id = :id";
    request.placeholders.values.emplace(":id", AttributeValue("a"));
    auto page = run(service().query(request));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->count, 11);
    ASSERT_TRUE(page->last_evaluated_key);
    EXPECT_EQ(*page->last_evaluated_key->at("at").number(), Decimal(10));
    EXPECT_EQ(page->capacity_units, 134.5) << "11 items of 100,011 bytes in halves of 4 KB";
    EXPECT_EQ(scan_all("samples").size(), 25U);
}

}  // namespace
}  // namespace fogbank::store::table
