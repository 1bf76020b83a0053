using System.Text.Json;
using Understudy.Tokenization.Chat;

namespace Understudy.Tests.Tokenization.Chat;

/// <summary>Templates with what Jinja2 makes of them.</summary>
public sealed class ChatTemplateCasesTests
{
    private static readonly Dictionary<string, string> Tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    private static readonly JsonElement Root = JsonDocument.Parse(File.ReadAllText("Fixtures/chat/cases.json")).RootElement;

    private static readonly Dictionary<string, JsonElement> Templates =
        Root.GetProperty("templates").EnumerateArray().ToDictionary(template => template.GetProperty("name").GetString()!);

    public static TheoryData<string> Names => [.. Templates.Keys];

    [Fact]
    public void There_are_377_cases_of_141_templates() =>
        Assert.Equal((141, 377), (Templates.Count, Templates.Values.Sum(template => template.GetProperty("cases").GetArrayLength())));

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_case_equals_jinja(string name)
    {
        var source = Templates[name].GetProperty("template").GetString()!;
        foreach (var item in Templates[name].GetProperty("cases").EnumerateArray())
        {
            var chat = Root.GetProperty("chats")[item.GetProperty("chat").GetInt32()].EnumerateArray()
                .Select(message => new ChatMessage(message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!)).ToList();
            var variables = (IReadOnlyDictionary<string, object?>)Value(item.GetProperty("variables"))!;
            string Render() => ChatTemplate.Parse(source, Tokens).Render(chat, item.GetProperty("add_generation_prompt").GetBoolean(), variables);
            if (item.TryGetProperty("expected", out var expected)) Assert.Equal(expected.GetString(), Render());
            else if (item.TryGetProperty("refusal", out var refusal))
                Assert.Equal($"The chat template refuses these messages: {refusal.GetString()}", Assert.Throws<ArgumentException>(Render).Message);
            else Assert.StartsWith("the template, line ", Assert.Throws<InvalidDataException>(Render).Message, StringComparison.Ordinal);
        }
    }

    private static object? Value(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().ToDictionary(entry => entry.Name, entry => Value(entry.Value)),
        JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.GetInt64(),
        JsonValueKind.Null => null,
        _ => json.GetBoolean(),
    };
}
