#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

#include "metrics/promql/ast.h"
#include "metrics/promql/expression.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/parser.h"

namespace sidewatch::promql {
namespace {

std::string canonical(std::string_view text) {
  const auto expression = Expression::parse(text);
  return expression ? expression->to_string() : expression.error().text();
}

struct Spelling {
  std::string_view text;
  std::string_view canonical;
};

TEST(PromqlParser, SpellsExpressionsCanonically) {
  constexpr std::array cases = {
      Spelling{"1", "1"},
      Spelling{"0x1F", "31"},
      Spelling{"017", "15"},
      Spelling{"089", "89"},
      Spelling{"1.5E3", "1500"},
      Spelling{".5", "0.5"},
      Spelling{"1e21", "1e+21"},
      Spelling{"123456789012345678901", "1.2345678901234568e+20"},
      Spelling{"0.00001", "1e-05"},
      Spelling{"1e-400", "0"},
      Spelling{"- 5", "-5"},
      Spelling{"+iNf ^ 2", "+Inf ^ 2"},
      Spelling{"-inf", "-Inf"},
      Spelling{"NAN", "NaN"},
      Spelling{"'a\"b\\n'", R"("a\"b\n")"},
      Spelling{"`raw\\n`", R"("raw\\n")"},
      Spelling{R"("\x41\102\u00fc\U0001F6C1")", "\"ABü🛁\""},
      Spelling{"up", "up"},
      Spelling{"up { }", "up"},
      Spelling{"up{a='b',c!=`d`, e=~\"f\" ,g!~'h',}", R"(up{a="b",c!="d",e=~"f",g!~"h"})"},
      Spelling{"{__name__=\"up\"}", "{__name__=\"up\"}"},
      Spelling{"up[ 90s ]", "up[1m30s]"},
      Spelling{"up[1y2w3d4h5m6s7ms]", "up[382d4h5m6s7ms]"},
      Spelling{"up[14d]", "up[2w]"},
      Spelling{"up offset 5m", "up offset 5m"},
      Spelling{"up[5m] offset -1h @ 12.5", "up[5m] @ 12.500 offset -1h"},
      Spelling{"up @ -0.25", "up @ -0.250"},
      Spelling{"up@start()", "up @ start()"},
      Spelling{"up[5m:30s]", "up[5m:30s]"},
      Spelling{"sum(up)[ 5m : ] offset 1m", "sum(up)[5m:] offset 1m"},
      Spelling{"a+b*c", "a + b * c"},
      Spelling{"( a + b ) * c", "(a + b) * c"},
      Spelling{"-a^b", "-a ^ b"},
      Spelling{"a==bool b", "a == bool b"},
      Spelling{"a and on(x,y)b", "a and on (x, y) b"},
      Spelling{"a and b", "a and b"},
      Spelling{"a*on(x)group_left(y)b", "a * on (x) group_left (y) b"},
      Spelling{"a*ignoring(x)group_right b", "a * ignoring (x) group_right () b"},
      Spelling{"sum(up)by(job)", "sum by (job) (up)"},
      Spelling{"SUM WITHOUT(job,)(up)", "sum without (job) (up)"},
      Spelling{"sum by () (up)", "sum(up)"},
      Spelling{"sum without () (up)", "sum without () (up)"},
      Spelling{"topk(2,up)", "topk(2, up)"},
      Spelling{"clamp(up,0,1)", "clamp(up, 0, 1)"},
      Spelling{"rate(up[5m])#comment", "rate(up[5m])"},
      Spelling{"sum", "sum"},
      Spelling{"by + offset", "by + offset"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(PromqlParser, ReadsItsOwnSpellingAsTheSameExpression) {
  for (const std::string_view text :
       {"1+2*3^4^5-6", "-(-a)", "a[5m] @ 5 offset 1m", "sum by (a) (rate(b[1m])) / on () group_left (c) d > bool 3",
        "{a=\"\\u00fc\\n\\\\\",b=~\".+\"}", "count_values without (x) (\"v\", a unless b or c)",
        "1e300 * 1e-300 - Inf"}) {
    const std::string once = canonical(text);
    EXPECT_EQ(canonical(once), once) << text;
  }
}

// Where each operator's operands end, made visible.
std::string grouped(const Node& node) {
  if (const auto* binary = std::get_if<Binary>(&node.kind)) {
    return "(" + grouped(*binary->left) + std::string(to_string(binary->op)) + grouped(*binary->right) + ")";
  }
  if (const auto* unary = std::get_if<Unary>(&node.kind)) return "(-" + grouped(*unary->operand) + ")";
  return node.to_string();
}

TEST(PromqlParser, BindsOperatorsAsPrometheusDoes) {
  constexpr std::array cases = {
      Spelling{"a + b * c - d", "((a+(b*c))-d)"},
      Spelling{"a ^ b ^ c", "(a^(b^c))"},
      Spelling{"a / b / c % d", "(((a/b)/c)%d)"},
      Spelling{"-a ^ b * c", "((-(a^b))*c)"},
      Spelling{"a ^ -b * c", "((a^(-b))*c)"},
      Spelling{"a == b + c > d", "((a==(b+c))>d)"},
      Spelling{"a or b and c unless d or e", "((aor((bandc)unlessd))ore)"},
      Spelling{"a > b and c < d", "((a>b)and(c<d))"},
      Spelling{"a + b atan2 c", "(a+(batan2c))"},
      Spelling{"-a offset 1m + b", "((-a offset 1m)+b)"},
  };
  for (const auto& [text, expected] : cases) {
    const auto expression = Expression::parse(text);
    ASSERT_TRUE(expression) << text << ": " << expression.error().text();
    EXPECT_EQ(grouped(expression->root()), expected) << text;
  }
}

TEST(PromqlParser, KnowsTheTypeOfAnExpression) {
  EXPECT_EQ(Expression::parse("1 + 2")->type(), ValueType::scalar);
  EXPECT_EQ(Expression::parse("1 + up")->type(), ValueType::vector);
  EXPECT_EQ(Expression::parse("(up[5m])")->type(), ValueType::matrix);
  EXPECT_EQ(Expression::parse("'a'")->type(), ValueType::string);
  EXPECT_EQ(Expression::parse("-scalar(up)")->type(), ValueType::scalar);
  EXPECT_EQ(Expression::parse("sum(up)")->type(), ValueType::vector);
}

struct Refusal {
  std::string_view text;
  std::string_view where;
  std::string_view what;
};

TEST(PromqlParser, ReckonsWithDurationsAsLaterVersionsDo) {
  constexpr std::array cases = {
      Spelling{"up[300]", "up[5m]"},
      Spelling{"up[1.5]", "up[1s500ms]"},
      Spelling{"up[5m * 2]", "up[10m]"},
      Spelling{"up[(1m + 30) * 2:90s/3]", "up[3m:30s]"},
      Spelling{"up[2 ^ 3 ^ 0:]", "up[2s:]"},
      Spelling{"up[-1m + 2m]", "up[1m]"},
      Spelling{"up[1h % 7m]", "up[4m]"},
      Spelling{"up[max(1m, 90) - min(1, 2)]", "up[1m29s]"},
      Spelling{"up offset 300", "up offset 5m"},
      Spelling{"up offset -300", "up offset -5m"},
      Spelling{"up offset (1h - 30m)", "up offset 30m"},
      Spelling{"up offset -(1h - 30m)", "up offset -30m"},
      Spelling{"up offset (1m - 2m) ^ 2", "up offset -1m ^ 2"},
      Spelling{"up offset (1m - 1m)", "up"},
      Spelling{"1h / 2", "3600 / 2"},
      Spelling{"up[0]", "1:4: duration must be greater than 0"},
      Spelling{"up[1m - 2m]", "1:4: duration must be greater than 0"},
      Spelling{"up[1m / 0]", "1:7: division by zero"},
      Spelling{"up[1m % (2 - 2)]", "1:7: modulo by zero"},
      Spelling{"up[10y ^ 2]", "1:4: duration out of range"},
      Spelling{"up offset (200y + 200y)", "1:11: duration out of range"},
      Spelling{"up[5m * ]", "1:7: unexpected <op:*> in subquery or range, expected \":\" or \"]\""},
      Spelling{"up[max(1m)]", "1:4: bad duration syntax: \"ma\""},
      Spelling{"up[5m:step()]", "1:7: unexpected colon 's'"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(PromqlParser, SaysWhatIsWrongAndWhere) {
  constexpr std::array cases = {
      Refusal{"", "1:1", "no expression found in input"},
      Refusal{"1 +", "1:4", "unexpected end of input"},
      Refusal{"\n\n  +", "3:4", "unexpected end of input"},
      Refusal{"(1", "1:3", "unclosed left parenthesis"},
      Refusal{"1)", "1:2", "unexpected right parenthesis ')'"},
      Refusal{"up{", "1:4", "unexpected end of input inside braces"},
      Refusal{"up{,}", "1:4", "unexpected \",\" in label matching, expected identifier or \"}\""},
      Refusal{"up{a}", "1:5", "unexpected \"}\" in label matching, expected label matching operator"},
      Refusal{"up{a=b}", "1:6", "unexpected identifier \"b\" in label matching, expected string"},
      Refusal{"up{a=\"b\" c", "1:10", "unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      Refusal{"üp", "1:1", "unexpected character: 'ü'"},
      Refusal{"up{a=\"ü\"} + ~", "1:13", "unexpected character: '~'"},
      Refusal{"up[5x]", "1:4", "bad duration syntax: \"5\""},
      Refusal{"up[5m1h]", "1:4", "not a valid duration string: \"5m1h\""},
      Refusal{"up[0s]", "1:4", "duration must be greater than 0"},
      Refusal{"up[293y]", "1:4", "duration out of range"},
      Refusal{"sum(up)[5m]", "1:8", "ranges only allowed for vector selectors"},
      Refusal{"up offset", "1:10", "unexpected end of input in offset, expected duration"},
      Refusal{"up @ foo", "1:6", "unexpected identifier \"foo\" in @, expected timestamp"},
      Refusal{"1a", "1:1", "bad number or duration syntax: \"1\""},
      Refusal{"0x", "1:1", "error parsing number: \"0x\": invalid syntax"},
      Refusal{"1e999", "1:1", "error parsing number: \"1e999\": value out of range"},
      Refusal{"\"a", "1:1", "unterminated quoted string"},
      Refusal{"\"\\q\"", "1:1", "unknown escape sequence U+0071 'q'"},
      Refusal{"foo()", "1:1", "unknown function with name \"foo\""},
      Refusal{"rate(up)", "1:6", "expected type range vector in call to function \"rate\", got instant vector"},
      Refusal{"rate()", "1:1", "expected 1 argument(s) in call to \"rate\", got 0"},
      Refusal{"round(up,1,2)", "1:1", "expected at most 2 argument(s) in call to \"round\", got 3"},
      Refusal{"abs(up,)", "1:7", "trailing commas not allowed in function call args"},
      Refusal{"sum(1 + )", "1:9", "unexpected \")\" in aggregation"},
      Refusal{"sum by job (up)", "1:8", "unexpected identifier \"job\" in grouping opts, expected \"(\""},
      Refusal{"sum by (a b) (up)", "1:11", "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
      Refusal{"sum by (a:b) (up)", "1:9", "unexpected metric identifier \"a:b\" in grouping opts, expected label"},
      Refusal{"sum(1)", "1:5", "expected type instant vector in aggregation expression, got scalar"},
      Refusal{"topk(up)", "1:1", "wrong number of arguments for aggregate expression provided, expected 2, got 1"},
      Refusal{"1 > 2", "1:3", "comparisons between scalars must use BOOL modifier"},
      Refusal{"up + bool up", "1:4", "bool modifier can only be used on comparison operators"},
      Refusal{"1 and up", "1:1", "set operator \"and\" not allowed in binary scalar expression"},
      Refusal{"1 + 'a'", "1:5", "binary expression must contain only scalar and instant vector types"},
      Refusal{"1 + on (a) up", "1:1", "vector matching only allowed between instant vectors"},
      Refusal{"-up[5m]", "1:1",
              "unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""},
      Refusal{"1 + {a=\"\"}", "1:5", "vector selector must contain at least one non-empty matcher"},
      Refusal{"up{__name__=\"x\"}", "1:1", "metric name must not be set twice: \"up\" or \"x\""},
      Refusal{"up{a=~\"(\"}", "1:4", "error parsing regexp: missing ): ("},
      Refusal{"a * on (x) group_left (x) b", "1:3", "label \"x\" must not occur in ON and GROUP clause at once"},
  };
  for (const auto& [text, where, what] : cases) {
    const auto expression = Expression::parse(text);
    ASSERT_FALSE(expression) << text;
    EXPECT_EQ(expression.error().where, where) << text;
    EXPECT_EQ(expression.error().what, what) << text;
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(PromqlParser, RefusesWhatIsNestedTooDeeply) {
  const std::string message = "expression nested deeper than 256 (max_expression_depth)";
  for (const std::string_view opening : {"(", "-", "abs(", "sum(", "1^", "+(", "topk(1,"}) {
    const auto expression = Expression::parse(repeated(opening, 20'000 / opening.size()));
    ASSERT_FALSE(expression) << opening;
    EXPECT_EQ(expression.error().what, message) << opening;
  }
  const auto chain = Expression::parse("1" + repeated("+1", 10'000));
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().what, message);
}

TEST(PromqlParser, AcceptsNestingUpToItsLimit) {
  const std::size_t inner = max_expression_depth - 1;
  EXPECT_TRUE(Expression::parse(repeated("(", inner) + "1" + repeated(")", inner)));
  EXPECT_TRUE(Expression::parse("1" + repeated("+1", inner)));
}

TEST(PromqlParser, RefusesATextThatIsTooLong) {
  const auto expression = Expression::parse("1" + std::string(max_expression_bytes, ' '));
  ASSERT_FALSE(expression);
  EXPECT_EQ(expression.error().what, "expression longer than 65536 bytes (max_expression_bytes)");
  EXPECT_TRUE(Expression::parse("1" + std::string(max_expression_bytes - 1, ' ')));
}

TEST(PromqlParser, SurvivesEveryBeginningAndEveryByteOfAnExpression) {
  const std::string text =
      "sum by (a) (rate(b{c=~\"d\\u00fc\",e!='f'}[5m] offset 1m)) / on (g) group_left (h) -i > bool 1e3";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto begun = Expression::parse(text.substr(0, length));
    if (!begun) {
      EXPECT_FALSE(begun.error().what.empty() || begun.error().where.empty());
    }
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int byte = 0; byte < 256; byte += 3) {
      std::string changed = text;
      changed[i] = static_cast<char>(byte);
      const auto expression = Expression::parse(changed);
      if (expression) {
        EXPECT_EQ(canonical(expression->to_string()), expression->to_string());
      }
    }
  }
}

TEST(PromqlFunctions, AreListedInOrderAndFoundByName) {
  std::string_view before;
  for (const Function& function : functions()) {
    EXPECT_LT(before, function.name);
    EXPECT_EQ(find_function(function.name), &function);
    before = function.name;
  }
  EXPECT_EQ(find_function("zzz"), nullptr);
  EXPECT_EQ(find_function(""), nullptr);
}

TEST(PromqlLiterals, SpellNumbersAsGoDoes) {
  EXPECT_EQ(number_to_string(-0.0), "-0");
  EXPECT_EQ(number_to_string(999999.5), "999999.5");
  EXPECT_EQ(number_to_string(1e6), "1e+06");
  EXPECT_EQ(number_to_string(123456789), "1.23456789e+08");
  EXPECT_EQ(number_to_string(0.0001), "0.0001");
  EXPECT_EQ(number_to_string(12.25), "12.25");
  EXPECT_EQ(number_to_string(1.7e308), "1.7e+308");
  EXPECT_EQ(number_without_exponent(1e-7), "0.0000001");
  EXPECT_EQ(number_without_exponent(-1e22), "-10000000000000000000000");
  EXPECT_EQ(number_without_exponent(-std::numeric_limits<double>::infinity()), "-Inf");
}

}  // namespace
}  // namespace sidewatch::promql
