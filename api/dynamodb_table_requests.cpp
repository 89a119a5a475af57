#include "api/dynamodb_table_requests.h"

#include <algorithm>
#include <set>

#include "api/dynamodb_item_requests.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;

constexpr std::size_t local_indexes_max = 5, global_indexes_max = 20, non_key_attributes_max = 20, projected_attributes_max = 100;
constexpr std::int64_t capacity_units_max = 1'000'000'000'000;

void refuse(const Reader& root, std::string why) {
    root.problems().value(invalid("One or more parameter values were invalid: " + std::move(why)));
}

/// AttributeDefinitions in the order given.
class Definitions {
  public:
    explicit Definitions(const Reader& root) {
        given_ = root.each_structure("AttributeDefinitions", [&](const Reader& one, std::size_t) {
            table::KeyAttribute attribute;
            attribute.name = one.required_text("AttributeName");
            const auto type = one.required_one_of("AttributeType", {"B", "N", "S"});
            if (type == "N") attribute.type = table::KeyType::number;
            if (type == "B") attribute.type = table::KeyType::binary;
            if (find(attribute.name) != nullptr) return refuse(root, "Duplicate AttributeName in AttributeDefinitions: " + attribute.name);
            all_.push_back(std::move(attribute));
        });
    }
    bool given() const { return given_; }
    std::size_t size() const { return all_.size(); }
    const std::vector<table::KeyAttribute>& all() const { return all_; }
    const table::KeyAttribute* find(const std::string& name) const {
        const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.name == name; });
        return found == all_.end() ? nullptr : &*found;
    }
    std::string names() const {
        std::string out;
        for (const auto& one : all_) out.append(out.empty() ? "" : ", ").append(one.name);
        return "[" + out + "]";
    }

  private:
    std::vector<table::KeyAttribute> all_;
    bool given_ = false;
};

struct SchemaElement {
    std::string name;
    bool is_range = false;
};

std::vector<SchemaElement> read_key_schema(const Reader& root) {
    std::vector<SchemaElement> out;
    if (!root.has("KeySchema")) root.missing("KeySchema");
    root.each_structure("KeySchema", [&](const Reader& one, std::size_t) {
        SchemaElement element;
        element.name = one.required_text("AttributeName");
        if (one.has("AttributeName") && element.name.empty())
            one.violated("", "AttributeName", "Member must have length greater than or equal to 1");
        if (element.name.size() > 255) one.violated(element.name, "AttributeName", "Member must have length less than or equal to 255");
        element.is_range = one.required_one_of("KeyType", {"HASH", "RANGE"}) == "RANGE";
        out.push_back(std::move(element));
    });
    if (root.has("KeySchema") && out.empty()) root.violated("[]", "KeySchema", "Member must have length greater than or equal to 1");
    return out;
}

std::string names_of(const std::vector<SchemaElement>& schema) {
    std::string out;
    for (const auto& one : schema) out.append(out.empty() ? "" : ", ").append(one.name);
    return "[" + out + "]";
}

/// The table's own key, or a local index's: one hash key and perhaps one range key.
bool check_simple_schema(const Reader& root, const std::vector<SchemaElement>& schema) {
    if (schema.empty()) return false;
    const auto say = [&](std::string why) {
        root.problems().value(invalid(std::move(why)));
        return false;
    };
    if (schema[0].is_range) return say("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (schema.size() < 2) return true;
    if (schema[0].name == schema[1].name) return say("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    if (!schema[1].is_range) return say("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    return true;
}

/// Looks the attributes up. False: something is not defined.
bool resolve(const Reader& root, const std::vector<SchemaElement>& schema, const Definitions& definitions, table::IndexKeys& out) {
    for (const auto& element : schema) {
        const auto* found = definitions.find(element.name);
        if (found == nullptr) {
            refuse(root, "Some index key attributes are not defined in AttributeDefinitions. Keys: " + names_of(schema) +
                             ", AttributeDefinitions: " + definitions.names());
            return false;
        }
        (element.is_range ? out.sort : out.partition).push_back(*found);
    }
    return true;
}

/// A global index may have up to four attributes a part, all of HASH first.
bool check_global_schema(const Reader& root, const std::vector<SchemaElement>& schema, const std::string& index) {
    const auto say = [&](std::string why) {
        root.problems().value(invalid(std::move(why)));
        return false;
    };
    if (schema.empty()) return false;
    if (schema[0].is_range) return say("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    std::set<std::string_view> names;
    std::size_t hash = 0, range = 0;
    for (const auto& one : schema) {
        if (!names.insert(one.name).second) {
            return say(schema.size() == 2 ? "Both the Hash Key and the Range Key element in the KeySchema have the same name"
                                          : "Invalid KeySchema: an attribute is used twice in the key of index " + index);
        }
        if (!one.is_range && range > 0) return say("Invalid KeySchema: HASH key elements must come before RANGE key elements");
        ++(one.is_range ? range : hash);
    }
    if (hash <= table::index_key_attributes_max && range <= table::index_key_attributes_max) return true;
    return say("Invalid KeySchema: a key of index " + index + " has at most 4 HASH and 4 RANGE key elements");
}

std::optional<table::OnDemandThroughput> read_on_demand(const Reader& root) {
    const auto given = root.structure("OnDemandThroughput");
    if (!given) return std::nullopt;
    table::OnDemandThroughput out;
    out.max_read_request_units = given->integer("MaxReadRequestUnits");
    out.max_write_request_units = given->integer("MaxWriteRequestUnits");
    return out;
}

table::IndexProjection read_projection(const Reader& index) {
    table::IndexProjection out;
    const auto given = index.required_structure("Projection");
    if (!given) return out;
    const auto type = given->one_of("ProjectionType", {"ALL", "INCLUDE", "KEYS_ONLY"});
    if (type == "INCLUDE") out.type = table::ProjectionType::include;
    if (type == "KEYS_ONLY") out.type = table::ProjectionType::keys_only;
    const bool has_names =
        given->each_text("NonKeyAttributes", [&](std::string name) { out.non_key_attributes.push_back(std::move(name)); });
    if (!type && !given->has("ProjectionType")) refuse(index, "Unknown ProjectionType: null");
    if (has_names && out.non_key_attributes.empty())
        given->violated("[]", "NonKeyAttributes", "Member must have length greater than or equal to 1");
    if (has_names && type && *type != "INCLUDE") refuse(index, "ProjectionType is " + *type + ", but NonKeyAttributes is specified");
    if (!has_names && type == "INCLUDE") refuse(index, "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    if (out.non_key_attributes.size() > non_key_attributes_max)
        given->violated("[...]", "NonKeyAttributes", "Member must have length less than or equal to 20");
    return out;
}

std::string read_index_name(const Reader& index) {
    std::string name = index.required_text("IndexName");
    if (!index.has("IndexName")) return name;
    if (name.size() < 3) index.violated(name, "IndexName", "Member must have length greater than or equal to 3");
    if (name.size() > 255) index.violated(name, "IndexName", "Member must have length less than or equal to 255");
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    };
    if (!std::all_of(name.begin(), name.end(), fits))
        index.violated(name, "IndexName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    return name;
}

table::IndexRequest read_index(const Reader& index, bool is_global, const Definitions& definitions, std::vector<SchemaElement>& schema) {
    table::IndexRequest out;
    out.is_global = is_global;
    out.name = read_index_name(index);
    schema = read_key_schema(index);
    out.projection = read_projection(index);
    if (is_global) {
        out.provisioned_throughput = read_throughput(index);
        out.on_demand_throughput = read_on_demand(index);
        if (check_global_schema(index, schema, out.name)) resolve(index, schema, definitions, out.keys);
    } else if (check_simple_schema(index, schema)) {
        resolve(index, schema, definitions, out.keys);
    }
    return out;
}

void check_local(const Reader& root, const std::vector<SchemaElement>& schema, const std::string& name, const std::string& hash_key) {
    if (schema.size() < 2) return refuse(root, "Index KeySchema does not have a range key for index: " + name);
    if (schema[0].name != hash_key) {
        refuse(root, "Index KeySchema does not have the same leading hash key as table KeySchema for index: " + name +
                         ". index hash key: " + schema[0].name + ", table hash key: " + hash_key);
    }
}

class TableReader {
  public:
    TableReader(const Reader& root, table::CreateTableRequest& out) : root_(root), out_(out), definitions_(root) {}

    void read_keys() {
        if (!definitions_.given()) root_.missing("AttributeDefinitions");
        const auto schema = read_key_schema(root_);
        if (schema.size() > 2) root_.violated("[...]", "KeySchema", "Member must have length less than or equal to 2");
        table::IndexKeys keys;
        if (!check_simple_schema(root_, schema) || !resolve(root_, schema, definitions_, keys)) return;
        out_.key_schema.partition_key = keys.partition.at(0);
        if (!keys.sort.empty()) out_.key_schema.sort_key = keys.sort[0];
        for (const auto& one : schema) used_.insert(one.name);
        has_range_ = schema.size() == 2;
    }

    void read_indexes() {
        const bool locals = read_list("LocalSecondaryIndexes", false);
        if (locals && !has_range_) {
            refuse(root_, "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
        }
        const bool globals = read_list("GlobalSecondaryIndexes", true);
        std::size_t projected = 0;
        for (const auto& index : out_.indexes) projected += index.projection.non_key_attributes.size();
        if (projected > projected_attributes_max)
            refuse(root_, "Number of projected attributes exceeds the limit of " + std::to_string(projected_attributes_max));
        if (root_.problems().any() || used_.size() == definitions_.size()) return;
        if (!locals && !globals) {
            return refuse(root_,
                          "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
        }
        std::string used;
        for (const auto& name : used_) used.append(used.empty() ? "" : ", ").append(name);
        refuse(root_,
               "Some AttributeDefinitions are not used. AttributeDefinitions: " + definitions_.names() + ", keys used: [" + used + "]");
    }

  private:
    bool read_list(std::string_view member, bool is_global) {
        const auto count = root_.size(member);
        if (!count) return false;
        if (*count == 0) refuse(root_, "List of " + std::string(member) + " is empty");
        if (!is_global && *count > local_indexes_max)
            refuse(root_, "Number of LocalSecondaryIndexes exceeds per-table limit of " + std::to_string(local_indexes_max));
        if (is_global && *count > global_indexes_max)
            refuse(root_, "GlobalSecondaryIndex count exceeds the per-table limit of " + std::to_string(global_indexes_max));
        root_.each_structure(member, [&](const Reader& one, std::size_t) {
            std::vector<SchemaElement> schema;
            auto index = read_index(one, is_global, definitions_, schema);
            if (!is_global) check_local(root_, schema, index.name, out_.key_schema.partition_key.name);
            for (const auto& element : schema) used_.insert(element.name);
            if (!names_.insert(index.name).second) refuse(root_, "Duplicate index name: " + index.name);
            if (is_global && !out_.provisioned_throughput && index.provisioned_throughput) {
                refuse(root_,
                       "ProvisionedThroughput should not be specified for index: " + index.name + " when BillingMode is PAY_PER_REQUEST");
            }
            if (is_global && out_.provisioned_throughput && !index.provisioned_throughput)
                refuse(root_, "ProvisionedThroughput must be specified for index: " + index.name);
            out_.indexes.push_back(std::move(index));
        });
        return true;
    }

    const Reader& root_;
    table::CreateTableRequest& out_;
    Definitions definitions_;
    std::set<std::string> used_, names_;
    bool has_range_ = false;
};

table::StreamSpecification read_stream(const Reader& given, const Reader& root) {
    table::StreamSpecification out;
    const auto enabled = given.boolean("StreamEnabled");
    if (!enabled && !given.has("StreamEnabled")) given.missing("StreamEnabled");
    out.enabled = enabled.value_or(false);
    const auto view = given.one_of("StreamViewType", {"NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"});
    if (view == "NEW_IMAGE") out.view = table::StreamViewType::new_image;
    if (view == "OLD_IMAGE") out.view = table::StreamViewType::old_image;
    if (view == "KEYS_ONLY") out.view = table::StreamViewType::keys_only;
    if (out.enabled && !given.has("StreamViewType")) refuse(root, "StreamViewType must be specified when StreamEnabled is true");
    if (!out.enabled && given.has("StreamViewType")) refuse(root, "StreamViewType must not be specified when StreamEnabled is false");
    return out;
}

/// @return nothing: not given; an inner nothing: off.
std::optional<std::optional<table::SseSettings>> read_sse(const Reader& root) {
    const auto given = root.structure("SSESpecification");
    if (!given) return std::nullopt;
    const bool enabled = given->boolean("Enabled").value_or(false);
    const auto type = given->one_of("SSEType", {"AES256", "KMS"});
    auto key = given->text("KMSMasterKeyId");
    if (!enabled) return std::optional<table::SseSettings>();
    table::SseSettings out;
    out.is_kms = type.value_or("KMS") == "KMS";
    if (key) out.kms_key_arn = std::move(*key);
    return std::optional(out);
}

std::optional<table::TableClass> read_table_class(const Reader& root) {
    const auto given = root.one_of("TableClass", {"STANDARD", "STANDARD_INFREQUENT_ACCESS"});
    if (!given) return std::nullopt;
    return *given == "STANDARD" ? table::TableClass::standard : table::TableClass::standard_infrequent_access;
}

void check_units(const Reader& root, const std::optional<table::ProvisionedThroughput>& throughput) {
    if (!throughput) return;
    for (const auto& [name, units] : {std::pair<const char*, std::int64_t>("ReadCapacityUnits", throughput->read_capacity_units),
                                      std::pair<const char*, std::int64_t>("WriteCapacityUnits", throughput->write_capacity_units)}) {
        if (units > capacity_units_max)
            root.problems().value(invalid("Given value " + std::to_string(units) + " for " + name + " is out of bounds"));
    }
}

table::IndexChange read_index_change(const Reader& one, const Definitions& definitions) {
    table::IndexChange out;
    const auto create = one.structure("Create"), update = one.structure("Update"), gone = one.structure("Delete");
    if ((create ? 1 : 0) + (update ? 1 : 0) + (gone ? 1 : 0) != 1) {
        refuse(one,
               "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be "
               "null");
        return out;
    }
    if (create) {
        std::vector<SchemaElement> schema;
        out.index = read_index(*create, true, definitions, schema);
    } else if (update) {
        out.kind = table::IndexChange::Kind::update;
        out.index.name = read_index_name(*update);
        out.index.provisioned_throughput = read_throughput(*update);
        out.index.on_demand_throughput = read_on_demand(*update);
    } else {
        out.kind = table::IndexChange::Kind::remove;
        out.index.name = read_index_name(*gone);
    }
    return out;
}

/// Members of the API that this server has not: refused when given, never ignored.
void refuse_absent(const Reader& root, std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
        const auto count = root.size(name);
        if (root.has(name) && count != 0) refuse(root, std::string(name) + " is not supported by this server");
    }
}

}  // namespace

std::optional<table::ProvisionedThroughput> read_throughput(const Reader& root, std::string_view name) {
    const auto given = root.structure(name);
    if (!given) return std::nullopt;
    table::ProvisionedThroughput out;
    out.read_capacity_units = given->required_integer("ReadCapacityUnits");
    out.write_capacity_units = given->required_integer("WriteCapacityUnits");
    if (given->has("WriteCapacityUnits")) given->at_least("WriteCapacityUnits", out.write_capacity_units, 1);
    if (given->has("ReadCapacityUnits")) given->at_least("ReadCapacityUnits", out.read_capacity_units, 1);
    check_units(root, out);
    return out;
}

std::vector<table::Tag> read_tags(const Reader& root) {
    std::vector<table::Tag> out;
    root.each_structure("Tags", [&](const Reader& one, std::size_t) {
        table::Tag tag{one.required_text("Key"), one.required_text("Value")};
        if (one.has("Key") && tag.key.empty()) one.violated("", "Key", "Member must have length greater than or equal to 1");
        if (tag.key.size() > 128) one.violated(tag.key, "Key", "Member must have length less than or equal to 128");
        if (tag.value.size() > 256) one.violated(tag.value, "Value", "Member must have length less than or equal to 256");
        out.push_back(std::move(tag));
    });
    return out;
}

table::CreateTableRequest read_create_table(const Reader& root) {
    table::CreateTableRequest out;
    out.name = read_table_name(root);
    const auto mode = root.one_of("BillingMode", {"PROVISIONED", "PAY_PER_REQUEST"});
    out.provisioned_throughput = read_throughput(root);
    const bool on_demand = mode == "PAY_PER_REQUEST";
    if (on_demand && root.has("ProvisionedThroughput"))
        refuse(root, "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    if (!on_demand && !root.has("ProvisionedThroughput"))
        refuse(root, "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    TableReader reader(root, out);
    reader.read_keys();
    reader.read_indexes();
    if (const auto stream = root.structure("StreamSpecification")) out.stream = read_stream(*stream, root);
    out.deletion_protection = root.boolean("DeletionProtectionEnabled").value_or(false);
    out.tags = read_tags(root);
    out.table_class = read_table_class(root).value_or(table::TableClass::standard);
    out.sse = read_sse(root).value_or(std::nullopt);
    out.on_demand_throughput = read_on_demand(root);
    if (const auto policy = root.text("ResourcePolicy")) refuse(root, "ResourcePolicy is not supported by this server");
    refuse_absent(root, {"GlobalTableSettingsReplicationMode"});
    return out;
}

table::UpdateTableRequest read_update_table(const Reader& root) {
    table::UpdateTableRequest out;
    out.name = read_table_name(root);
    const auto mode = root.one_of("BillingMode", {"PROVISIONED", "PAY_PER_REQUEST"});
    if (mode) out.on_demand = *mode == "PAY_PER_REQUEST";
    out.provisioned_throughput = read_throughput(root);
    out.on_demand_throughput = read_on_demand(root);
    const Definitions definitions(root);
    out.attribute_definitions = definitions.all();
    root.each_structure("GlobalSecondaryIndexUpdates",
                        [&](const Reader& one, std::size_t) { out.index_changes.push_back(read_index_change(one, definitions)); });
    if (const auto stream = root.structure("StreamSpecification")) out.stream = read_stream(*stream, root);
    out.deletion_protection = root.boolean("DeletionProtectionEnabled");
    out.table_class = read_table_class(root);
    out.sse = read_sse(root);
    refuse_absent(root, {"ReplicaUpdates", "GlobalTableWitnessUpdates", "MultiRegionConsistency", "WarmThroughput"});
    const bool any = out.on_demand || out.provisioned_throughput || out.on_demand_throughput || !out.index_changes.empty() || out.stream ||
                     out.deletion_protection || out.table_class || out.sse;
    if (!any) {
        root.problems().value(invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or "
            "ReplicaUpdates is required"));
    }
    return out;
}

}  // namespace fogbank::api::dynamodb
