/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - the syntax of one source file as a compact tree: what the grammar says, without punctuation and comments.
 * Any bytes give a tree. Nodes are indices into one array; 0 is "none", 1 the root. */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of nodes of the grammars: Python's, then beside those before them C's, JavaScript's with TypeScript's, and Go's. The
 * names are the grammars' own. */
#define TREE_KINDS(X) \
	X(module) X(expression_statement) X(assignment) X(augmented_assignment) X(named_expression) \
	X(function_definition) X(lambda) X(class_definition) X(decorated_definition) X(decorator) X(block) \
	X(if_statement) X(elif_clause) X(else_clause) X(for_statement) X(while_statement) X(try_statement) \
	X(except_clause) X(except_group_clause) X(finally_clause) X(with_statement) X(with_clause) X(with_item) \
	X(match_statement) X(case_clause) X(case_pattern) X(if_clause) X(return_statement) X(raise_statement) \
	X(assert_statement) X(delete_statement) X(global_statement) X(nonlocal_statement) X(import_statement) \
	X(import_from_statement) X(future_import_statement) X(pass_statement) X(break_statement) \
	X(continue_statement) X(exec_statement) X(print_statement) X(type_alias_statement) X(call) X(attribute) \
	X(subscript) X(identifier) X(string) X(string_start) X(string_content) X(string_end) X(interpolation) \
	X(concatenated_string) X(escape_sequence) X(integer) X(float) X(true) X(false) X(none) X(list) X(tuple) X(set) \
	X(dictionary) X(pair) X(dictionary_splat) X(list_splat) X(list_comprehension) X(dictionary_comprehension) \
	X(set_comprehension) X(generator_expression) X(for_in_clause) X(parenthesized_expression) \
	X(conditional_expression) X(boolean_operator) X(not_operator) X(binary_operator) X(unary_operator) \
	X(comparison_operator) X(await) X(yield) X(keyword_argument) X(slice) X(ellipsis) X(pattern_list) \
	X(tuple_pattern) X(list_pattern) X(list_splat_pattern) X(dictionary_splat_pattern) X(expression_list) \
	X(as_pattern) X(as_pattern_target) X(parameters) X(lambda_parameters) X(default_parameter) X(typed_parameter) \
	X(typed_default_parameter) X(keyword_separator) X(positional_separator) X(argument_list) X(dotted_name) \
	X(aliased_import) X(relative_import) X(import_prefix) X(wildcard_import) X(type) X(class_pattern) \
	X(dict_pattern) X(keyword_pattern) X(splat_pattern) X(union_pattern) X(complex_pattern) X(generic_type) \
	X(union_type) X(type_parameter) X(chevron) X(ERROR) \
	X(translation_unit) X(declaration) X(function_declarator) X(pointer_declarator) X(parenthesized_declarator) \
	X(array_declarator) X(attributed_declarator) X(init_declarator) X(parameter_list) X(parameter_declaration) \
	X(storage_class_specifier) X(compound_statement) X(call_expression) X(field_expression) X(subscript_expression) \
	X(pointer_expression) X(cast_expression) X(assignment_expression) X(binary_expression) X(unary_expression) \
	X(do_statement) X(number_literal) X(string_literal) X(type_identifier) X(preproc_def) X(preproc_function_def) \
	X(preproc_params) X(preproc_arg) X(preproc_if) X(preproc_ifdef) X(preproc_elif) X(preproc_elifdef) \
	X(preproc_else) X(preproc_defined) X(preproc_include) X(sizeof_expression) \
	X(program) X(arguments) X(array) X(array_pattern) X(arrow_function) X(assignment_pattern) X(await_expression) \
	X(augmented_assignment_expression) X(catch_clause) X(class) X(class_body) X(class_declaration) \
	X(class_heritage) X(class_static_block) X(computed_property_name) X(empty_statement) X(export_clause) \
	X(export_specifier) X(export_statement) X(field_definition) X(for_in_statement) X(formal_parameters) \
	X(function_declaration) X(function_expression) X(generator_function) X(generator_function_declaration) \
	X(import) X(import_clause) X(import_specifier) X(jsx_attribute) X(jsx_closing_element) X(jsx_element) \
	X(jsx_expression) X(jsx_opening_element) X(jsx_self_closing_element) X(labeled_statement) \
	X(lexical_declaration) X(member_expression) X(meta_property) X(method_definition) X(named_imports) \
	X(namespace_export) X(namespace_import) X(new_expression) X(object) X(object_assignment_pattern) \
	X(object_pattern) X(pair_pattern) X(regex) X(rest_pattern) X(sequence_expression) X(spread_element) \
	X(statement_block) X(switch_body) X(switch_case) X(switch_default) X(switch_statement) X(template_string) \
	X(template_substitution) X(ternary_expression) X(throw_statement) X(update_expression) \
	X(using_declaration) X(variable_declaration) X(variable_declarator) X(yield_expression) X(null) X(number) \
	X(private_property_identifier) X(property_identifier) X(shorthand_property_identifier) \
	X(shorthand_property_identifier_pattern) X(string_fragment) X(super) X(this) X(undefined) \
	X(abstract_class_declaration) X(abstract_method_signature) X(as_expression) X(enum_assignment) X(enum_body) \
	X(enum_declaration) X(extends_clause) X(implements_clause) X(import_alias) X(import_require_clause) \
	X(instantiation_expression) X(interface_declaration) X(internal_module) X(ambient_declaration) \
	X(function_signature) X(method_signature) X(nested_identifier) X(nested_type_identifier) \
	X(non_null_expression) X(optional_parameter) X(public_field_definition) X(required_parameter) \
	X(satisfies_expression) X(type_alias_declaration) X(type_annotation) X(type_arguments) X(type_assertion) \
	X(type_parameters) X(type_predicate_annotation) X(asserts_annotation) X(type_query) \
	X(accessibility_modifier) X(override_modifier) X(extends_type_clause) X(array_type) X(interface_body) \
	X(source_file) X(package_clause) X(package_identifier) X(import_declaration) X(import_spec) \
	X(import_spec_list) X(dot) X(blank_identifier) X(const_declaration) X(const_spec) X(var_declaration) \
	X(var_spec) X(var_spec_list) X(type_declaration) X(type_spec) X(type_alias) X(method_declaration) \
	X(func_literal) X(selector_expression) X(index_expression) X(slice_expression) X(type_assertion_expression) \
	X(type_conversion_expression) X(type_instantiation_expression) X(composite_literal) X(literal_value) \
	X(literal_element) X(keyed_element) X(short_var_declaration) X(assignment_statement) X(inc_statement) \
	X(dec_statement) X(send_statement) X(receive_statement) X(go_statement) X(defer_statement) X(for_clause) \
	X(range_clause) X(expression_switch_statement) X(type_switch_statement) X(select_statement) \
	X(expression_case) X(default_case) X(type_case) X(communication_case) X(statement_list) X(struct_type) \
	X(field_declaration_list) X(field_declaration) X(field_identifier) X(interface_type) X(method_elem) \
	X(pointer_type) X(slice_type) X(map_type) X(channel_type) X(function_type) X(qualified_type) \
	X(parenthesized_type) X(implicit_length_array_type) X(type_elem) X(type_parameter_list) \
	X(type_parameter_declaration) X(variadic_parameter_declaration) X(variadic_argument) X(int_literal) \
	X(float_literal) X(imaginary_literal) X(rune_literal) X(raw_string_literal) X(interpreted_string_literal) \
	X(nil) X(iota) X(goto_statement) X(fallthrough_statement) X(negated_type) X(type_constraint)

enum tree_kind {
	K_NONE, K_TOKEN, K_OTHER,
#define X(name) K_##name,
	TREE_KINDS(X)
#undef X
	K_COUNT
};

#define TREE_FIELDS(X) \
	X(name) X(value) X(left) X(right) X(operator) X(operators) X(type) X(object) X(attribute) X(function) X(arguments) \
	X(body) X(condition) X(consequence) X(alternative) X(parameters) X(return_type) X(superclasses) X(definition) \
	X(subject) X(guard) X(module_name) X(alias) X(key) X(subscript) X(argument) X(cause) X(pattern) \
	X(declarator) X(path) X(index) X(initializer) X(update) \
	X(property) X(constructor) X(declaration) X(source) X(kind) X(parameter) X(decorator) X(handler) X(finalizer) \
	X(increment) X(optional_chain) X(operand) X(field) X(receiver) X(result) X(element) X(type_arguments) \
	X(package) X(length) X(channel) X(communication) X(type_parameters) X(module)

enum tree_field {
	F_NONE,
#define X(name) F_##name,
	TREE_FIELDS(X)
#undef X
	F_COUNT
};

struct tree_node {
	uint16_t kind;
	uint8_t field, missing;
	uint32_t start, end; /* bytes of the source */
	uint32_t line; /* 1-based, as end_line */
	union {
		uint32_t end_line;
		uint32_t name; /* of an identifier, which has one line: its index in names */
	};
	uint32_t first, next;
};

struct tree {
	struct tree_node *nodes;
	uint32_t count, cap;
	uint32_t *names; /* identifiers that differ: the first node of each */
	uint32_t name_count;
	uint32_t lines;
	bool has_errors;
	uint64_t meaning; /* tree_meaning() */
	void *mapped;     /* nodes and names are within a mapped file of the cache, and read only */
	size_t mapped_bytes;
};

/* What is deeper than this is left out, and counts as a syntax error. */
#define TREE_DEPTH_MAX 400

/* Is the grammar of a language built in? */
bool tree_has_language(const char *language);
/* Parses text[0..n). Returns 0, or -1 where the language is not built in. Safe to call on several threads. */
int tree_parse(const char *language, const char *text, size_t n, struct tree *t);
/* Equal for sources that differ only in comments, white space and long texts. tree_parse() sets it. */
uint64_t tree_meaning(const struct tree *t, const char *text);
/* Sets name of the identifiers, and names. tree_parse() does. */
void tree_number_names(struct tree *t, const char *text);
void tree_free_nodes(struct tree *t);
/* What a tree depends on besides its source: version, grammar, kinds, bounds. */
void tree_identity(const char *language, struct str *out);

#endif
