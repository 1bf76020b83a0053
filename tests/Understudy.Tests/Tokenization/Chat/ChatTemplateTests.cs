using System.Diagnostics;
using System.Text.Json.Nodes;
using Understudy.Tokenization.Chat;

namespace Understudy.Tests.Tokenization.Chat;

public sealed class ChatTemplateTests
{
    private static readonly ChatMessage[] Hello = [new("user", "Hello"), new("assistant", "Hi."), new("user", "Bye")];

    [Fact]
    public void A_folder_gives_template_and_tokens()
    {
        using var folder = new TemporaryFolder();
        Config(folder, "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}{{ additional_special_tokens[0] }}");
        Assert.Equal("<s>user: Hello</s>\nassistant: Hi.</s>\nuser: Bye</s>\n<x>", ChatTemplate.FromFolder(folder.FullName).Render(Hello));
    }

    [Fact]
    public void A_template_file_comes_before_the_configuration_and_others_go_by_name()
    {
        using var folder = new TemporaryFolder();
        Config(folder, new JsonArray(
            new JsonObject { ["name"] = "default", ["template"] = "configured" }, new JsonObject { ["name"] = "rag", ["template"] = "with documents" }));
        Assert.Equal("configured", ChatTemplate.FromFolder(folder.FullName).Render(Hello));
        Assert.Equal("with documents", ChatTemplate.FromFolder(folder.FullName, "rag").Render(Hello));
        File.WriteAllText(folder["chat_template.jinja"], "whole file\n");
        Directory.CreateDirectory(folder["additional_chat_templates"]);
        File.WriteAllText(Path.Combine(folder["additional_chat_templates"], "tool_use.jinja"), "tools");
        Assert.Equal("whole file", ChatTemplate.FromFolder(folder.FullName).Render(Hello));
        Assert.Equal("tools", ChatTemplate.FromFolder(folder.FullName, "tool_use").Render(Hello));
        var error = Assert.Throws<FileNotFoundException>(() => ChatTemplate.FromFolder(folder.FullName, "other"));
        Assert.Equal($"'{folder.FullName}' has no chat template 'other', but [default, rag, tool_use]. Ask for one of these.", error.Message);
    }

    [Fact]
    public void A_folder_without_a_template_is_told_what_to_do()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer_config.json"], "{}");
        var error = Assert.Throws<FileNotFoundException>(() => ChatTemplate.FromFolder(folder.FullName));
        Assert.Equal(
            $"'{folder.FullName}' has no chat template: looked for 'chat_template.jinja' and for 'chat_template' in 'tokenizer_config.json'. "
            + "Base models have none; use one that was tuned on chats, or copy the template of one into the folder.", error.Message);
    }

    [Theory]
    [InlineData("a\n{% if x %}", 2, "ends where a '{% endif %}' is missing.")]
    [InlineData("{% include 'x' %}", 1, "uses the statement 'include', which is not supported. Supported are if, for, set, macro, break, continue, raw and generation.")]
    [InlineData("\n\n{{ messages | pprint }}", 3, "uses the filter 'pprint', which is not supported. Supported are trim, length, ")]
    [InlineData("{{ messages is escaped }}", 1, "uses the test 'escaped', which is not supported. Supported are defined, undefined, ")]
    [InlineData("{{ joiner() }}", 1, "calls 'joiner', which is not supported. Supported functions are raise_exception, strftime_now, range, namespace, dict; ")]
    [InlineData("{% for m in messages %}\n{{ m.content + 1 }}{% endfor %}", 2, "applies '+' to a text and a number, which is not supported.")]
    [InlineData("{{ messages[7].content }}", 1, "uses '7' of a list, which is not defined.")]
    [InlineData("{{ strftime_now('%c') }}", 1, "formats a time with '%c', which is not supported.")]
    [InlineData("{{ 9223372036854775807 + 1 }}", 1, "computes with '+' a number that 64 bits cannot hold.")]
    public void What_is_not_supported_is_named_with_its_line(string source, int line, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["chat_template.jinja"], source);
        var error = Assert.Throws<InvalidDataException>(() => ChatTemplate.FromFolder(folder.FullName).Render(Hello));
        Assert.StartsWith($"{folder["chat_template.jinja"]}, line {line}: the chat template {message}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{{ 'x' * 99999999999 }}")]
    [InlineData("{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x | replace('a', 'aaaaaaaaaaaaaaaa') %}{% endfor %}")]
    [InlineData("{{ 'a' | indent(999999999999, true) }}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}")]
    [InlineData("{{ (-1) ** 9223372036854775807 }}{{ 2 ** 9223372036854775807 }}")]
    [InlineData("{{ range(9223372036854775807) }}")]
    [InlineData("{{ -9223372036854775807 - 2 }}")]
    [InlineData("{{ (-9223372036854775807 - 1) // -1 }}")]
    public void A_template_without_an_end_is_stopped(string source)
    {
        var clock = Stopwatch.StartNew();
        var error = Assert.Throws<InvalidDataException>(() => ChatTemplate.Parse(source).Render(Hello));
        Assert.StartsWith("the template, line 1: the chat template ", error.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    [Theory]
    [InlineData("(", "")]
    [InlineData("not ", "1")]
    [InlineData("-", "1")]
    [InlineData("1+", "1")]
    [InlineData("a if b else ", "1")]
    [InlineData("x.a", "")]
    public void Deep_nesting_is_refused_or_rendered(string part, string last)
    {
        var source = "{{ " + string.Concat(Enumerable.Repeat(part, 50_000)) + last + " }}";
        try
        {
            ChatTemplate.Parse(source).Render(Hello);
        }
        catch (InvalidDataException fault)
        {
            Assert.StartsWith("the template, line 1: the chat template ", fault.Message, StringComparison.Ordinal);
        }
        var statements = string.Concat(Enumerable.Repeat("{% if true %}", 30_000));
        Assert.Contains("nested too deeply", Assert.Throws<InvalidDataException>(() => ChatTemplate.Parse(statements)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_templates_are_refused_or_rendered()
    {
        var sources = JsonNode.Parse(File.ReadAllText("Fixtures/chat/cases.json"))!["templates"]!.AsArray().Select(template => (string)template!["template"]!).ToArray();
        var random = new Random(4);
        var refused = 0;
        for (var i = 0; i < 3000; i++)
        {
            var source = sources[random.Next(sources.Length)];
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var at = random.Next(source.Length);
                source = random.Next(2) == 0
                    ? source.Remove(at, Math.Min(random.Next(1, 9), source.Length - at)) + " "
                    : source.Insert(at, new[] { "{{", "}}", "{%", "%}", "(", ")", "[", "-", "|", ".", " in ", "'", "\\", "not ", "0", " is " }[random.Next(16)]);
            }
            try
            {
                ChatTemplate.Parse(source).Render(Hello);
            }
            catch (Exception fault) when (fault is InvalidDataException or ArgumentException)
            {
                Assert.NotEmpty(fault.Message);
                refused++;
            }
        }
        Assert.InRange(refused, 1000, 2999);
    }

    [Fact]
    public void Indentation_is_paid_for_before_it_is_written()
    {
        var template = ChatTemplate.Parse("{% set ns = namespace(v=range(90000)) %}{% for i in range(90) %}{% set ns.v = [ns.v] %}{% endfor %}{{ ns.v | tojson(indent=16) }}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => template.Render([]));
        Assert.Equal("the template, line 1: the chat template does not come to an end, or works too long on these messages. Use another template.", error.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 50_000_000);
    }

    [Fact]
    public void Today_is_what_the_clock_says()
    {
        var template = ChatTemplate.Parse("{{ strftime_now('%d %b %Y, %A %H:%M %-d/%-m%%') }}");
        var at = new DateTimeOffset(2024, 7, 5, 9, 3, 0, TimeSpan.Zero);
        Assert.Equal("05 Jul 2024, Friday 09:03 5/7%", template.With(new FixedClock(at)).Render(Hello));
    }

    [Fact]
    public void Variables_of_other_types_are_refused()
    {
        var template = ChatTemplate.Parse("{{ x }}");
        Assert.Equal("[1, {'a': 2.5}]", template.Render(Hello, variables: new Dictionary<string, object?>
        {
            ["x"] = new List<object?> { 1, new Dictionary<string, object?> { ["a"] = 2.5f } },
        }));
        var error = Assert.Throws<ArgumentException>(() => template.Render(Hello, variables: new Dictionary<string, object?> { ["x"] = DateTime.UnixEpoch }));
        Assert.Equal("The variable 'x' of the chat template holds a DateTime. Give texts, booleans, numbers, or lists and dictionaries of these.", error.Message);
    }

    [Fact]
    public void A_long_chat_renders_quickly()
    {
        var chat = Enumerable.Range(0, 4000).Select(i => new ChatMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 1000))).ToList();
        var clock = Stopwatch.StartNew();
        var text = ChatTemplate.Parse("{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + '\n' }}{% endfor %}").Render(chat);
        Assert.Equal((4000 * 1001) + (2000 * 17), text.Length);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    private static void Config(TemporaryFolder folder, JsonNode template) => File.WriteAllText(folder["tokenizer_config.json"], new JsonObject
    {
        ["bos_token"] = "<s>",
        ["eos_token"] = new JsonObject { ["content"] = "</s>" },
        ["additional_special_tokens"] = new JsonArray("<x>"),
        ["chat_template"] = template,
    }.ToJsonString());

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
