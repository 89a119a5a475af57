/// UpdateExpression and AttributeUpdates, resolved and ready to be applied to items.
#pragma once

#include <vector>

#include "store/table/detail/document_path.h"
#include "store/table/detail/expression_ast.h"
#include "store/table/detail/projection.h"
#include "store/table/table_api.h"

namespace fogbank::store::table {

/// What SET puts: a value, a path, or a function of operands.
struct UpdateOperand {
    enum class Kind : unsigned char { value, path, if_not_exists, list_append };
    Kind kind = Kind::value;
    AttributeValue value;
    DocumentPath path;                 ///< of path and if_not_exists
    std::vector<UpdateOperand> inner;  ///< of if_not_exists one, of list_append two
};

struct UpdateAction {
    enum class Kind : unsigned char { set, remove, add, subtract_set };
    Kind kind = Kind::set;
    DocumentPath path;
    UpdateOperand left, right;  ///< of set; `right` if there is an arithmetic
    char arithmetic = 0;        ///< `+`, `-` or none
    AttributeValue value;       ///< of add and subtract_set (DELETE)
};

class Update {
  public:
    Update() = default;
    /// Error: two paths overlap or conflict.
    static Result<Update> from_actions(std::vector<UpdateAction> actions, bool is_legacy);

    /// The item after the update. All operands are read from `old`, before anything changes.
    /// Errors: validation, as an operand or a path does not fit the item.
    Result<Item> apply(const Item& old) const;

    /// Whether it makes an item where there is none: not if it only takes away.
    bool creates_item() const;
    /// Whether values may end up deeper in the item than they were checked for.
    bool nests() const;
    const std::vector<UpdateAction>& actions() const { return actions_; }
    /// The parts that UPDATED_OLD and UPDATED_NEW return.
    const Projection& updated() const { return updated_; }

  private:
    std::vector<UpdateAction> actions_;
    Projection updated_;
    bool is_legacy_ = false;
};

/// Errors: validation, with `Invalid UpdateExpression: ` before it.
Result<Update> compile_update(const Expression& expression, PlaceholderScope& scope);
/// Errors: validation with the texts of AttributeUpdates.
Result<Update> compile_legacy_update(const std::vector<LegacyUpdate>& updates);

/// Error: it changes an attribute of the primary key.
Result<void> check_update_keys(const Update& update, const KeySchema& schema);

}  // namespace fogbank::store::table
