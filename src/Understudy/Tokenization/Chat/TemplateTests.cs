namespace Understudy.Tokenization.Chat;

/// <summary>A test: <c>value is name(arguments)</c>.</summary>
internal delegate bool TemplateTest(object? value, TemplateArguments arguments);

/// <summary>The tests of Jinja that chat templates use.</summary>
internal static class TemplateTests
{
    private static readonly Dictionary<string, TemplateTest> Tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (value, _) => value is not UndefinedValue,
        ["undefined"] = (value, _) => value is UndefinedValue,
        ["none"] = (value, _) => value is null,
        ["boolean"] = (value, _) => value is bool,
        ["true"] = (value, _) => value is true,
        ["false"] = (value, _) => value is false,
        ["integer"] = (value, _) => value is long,
        ["float"] = (value, _) => value is double,
        ["number"] = (value, _) => value is long or double or bool,
        ["string"] = (value, _) => value is string,
        ["mapping"] = (value, _) => value is TemplateMap,
        ["sequence"] = (value, _) => value is string or List<object?> or TemplateMap or UndefinedValue,
        ["iterable"] = (value, _) => value is string or List<object?> or TemplateMap or UndefinedValue,
        ["callable"] = (value, _) => value is TemplateFunction,
        ["even"] = (value, _) => TemplateValue.Integer(value) % 2 == 0,
        ["odd"] = (value, _) => TemplateValue.Integer(value) % 2 != 0,
        ["divisibleby"] = (value, arguments) => TemplateArithmetic.Apply("%", value, arguments.Take("num"), arguments.Context) is 0L,
        ["equalto"] = AreEqual,
        ["eq"] = AreEqual,
        ["=="] = AreEqual,
        ["sameas"] = (value, arguments) => arguments.Take("other") is var other && value?.GetType() == other?.GetType()
            && (value is null or bool or long or string ? TemplateValue.AreEqual(value, other) : ReferenceEquals(value, other)),
        ["ne"] = (value, arguments) => !AreEqual(value, arguments),
        ["!="] = (value, arguments) => !AreEqual(value, arguments),
        ["lt"] = (value, arguments) => TemplateValue.Compare(arguments.Context.Weighed(value), arguments.Take("other")) < 0,
        ["gt"] = (value, arguments) => TemplateValue.Compare(arguments.Context.Weighed(value), arguments.Take("other")) > 0,
        ["le"] = (value, arguments) => TemplateValue.Compare(arguments.Context.Weighed(value), arguments.Take("other")) <= 0,
        ["ge"] = (value, arguments) => TemplateValue.Compare(arguments.Context.Weighed(value), arguments.Take("other")) >= 0,
        ["in"] = (value, arguments) => TemplateValue.Contains(arguments.Context.Weighed(arguments.Take("seq")), arguments.Context.Weighed(value)),
        ["lower"] = (value, arguments) => arguments.Context.Text(value) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = (value, arguments) => arguments.Context.Text(value) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
    };

    public static TemplateTest? Find(string name) => Tests.GetValueOrDefault(name);

    public static TemplateFault Unknown(string name) => new($"uses the test '{name}', which is not supported. Supported are {string.Join(", ", Tests.Keys)}.");

    private static bool AreEqual(object? value, TemplateArguments arguments) => arguments.Context.AreEqual(value, arguments.Take("other"));
}
