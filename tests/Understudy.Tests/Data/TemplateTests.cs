using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class TemplateTests
{
    [Fact]
    public void Placeholders_are_replaced_and_doubled_braces_are_braces()
    {
        var template = Template.Parse("{{{text}}} of {my column}{text}");
        Assert.Equal(["text", "my column", "text"], template.Fields);
        Assert.Equal("{<text>} of <my column><text>", template.Render(field => $"<{field}>"));
        Assert.Equal("no fields", Template.Parse("no fields").Render(_ => "x"));
    }

    [Theory]
    [InlineData("a {text", "the brace at character 3 of 'a {text' is never closed. Close it, or write {{ for a brace.")]
    [InlineData("{a{b}}", "the brace at character 1 of '{a{b}}' is never closed. Close it, or write {{ for a brace.")]
    [InlineData("{ }", "the placeholder at character 1 of '{ }' has no name. Name a field, such as {text}.")]
    [InlineData("a } b", "the closing brace at character 3 of 'a } b' was never opened. Write }} for a brace.")]
    [InlineData("{", "the brace at character 1 of '{' is never closed. Close it, or write {{ for a brace.")]
    public void Faulty_templates_are_refused(string source, string expected) =>
        Assert.Equal(expected, Assert.Throws<FormatException>(() => Template.Parse(source)).Message);

    [Theory]
    [InlineData(" {text}", "  hello there\n", new[] { "hello there" })]
    [InlineData(" {text}\nQuestion: {pair}", " one\nQuestion: two", new[] { "one", "two" })]
    [InlineData(" {text}\nQuestion: {pair}", "one\nQuestion:", new[] { "one", "" })]
    [InlineData("{a}\n{b}", "x\ny", new[] { "x", "y" })]
    [InlineData("<{a}>", "<x>", new[] { "x" })]
    [InlineData("<{a}>", "x>", null)]
    [InlineData("<{a}>", "<x", null)]
    [InlineData("<{a}<", "<", null)]
    [InlineData(" {text}\nQuestion: {pair}", "one two", null)]
    [InlineData(" {text}\nQuestion: {pair}", "one\nQuestion: two\nQuestion: three", null)]
    [InlineData("{a}\n{b}", "x\ny\nz", null)]
    public void A_text_is_matched_when_it_can_be_read_in_one_way_only(string template, string text, string[]? expected)
    {
        Assert.Equal(expected is not null, Template.Parse(template).TryMatch(text, out var values));
        Assert.Equal(expected, values);
    }

    [Fact]
    public void What_was_rendered_is_matched_back()
    {
        var template = Template.Parse("Premise: {a}\nHypothesis: {b}\nNote: {c}.");
        var random = new SeededRandom(2);
        const string Alphabet = "ab {}é\U0001F600:\n";
        for (var round = 0; round < 2_000; round++)
        {
            string Word() => string.Concat(Enumerable.Range(0, random.NextInt(8)).Select(_ => Alphabet[random.NextInt(Alphabet.Length)])).Trim();
            string[] expected = [Word(), Word(), Word()];
            var at = 0;
            Assert.True(template.TryMatch(template.Render(_ => expected[at++]), out var values));
            Assert.Equal(expected, values);
        }
    }
}
