using System.Xml.Linq;
using Understudy.Data;
using Understudy.Reports;

namespace Understudy.Tests.Reports;

public sealed class HtmlWriterTests
{
    [Theory]
    [InlineData("script")]
    [InlineData("iframe")]
    [InlineData("img")]
    [InlineData("p onclick")]
    public void An_element_beyond_the_list_is_refused(string element) => Assert.Throws<ArgumentException>(() => Page(page => page.Leaf(element, "")));

    [Theory]
    [InlineData("onclick", "x()")]
    [InlineData("style", "color: red")]
    [InlineData("src", "x.png")]
    [InlineData("href", "javascript:x()")]
    [InlineData("href", "https://example.org")]
    public void An_attribute_beyond_the_list_is_refused(string name, string value) => Assert.Throws<ArgumentException>(() => Page(page => page.Leaf("a", "", (name, value))));

    [Fact]
    public void Elements_close_in_their_turn() => Assert.Throws<InvalidOperationException>(() => Page(page =>
    {
        var outer = page.Open("p");
        page.Open("span");
        outer.Dispose();
    }));

    [Fact]
    public void A_style_sheet_cannot_end_early() => Assert.Throws<ArgumentException>(() => Page(page => page.Style("a { } </style>")));

    [Fact]
    public void Any_text_comes_back_as_it_is_made_visible()
    {
        var random = new SeededRandom(5);
        const string Likely = "<>&\"'\r\n\t\0 ]-/ax";
        for (var i = 0; i < 400; i++)
            ComesBack(string.Concat(Enumerable.Range(0, 30).Select(_ => random.NextInt(2) == 0 ? Likely[random.NextInt(Likely.Length)] : (char)random.NextInt(0x10000))));
        ComesBack(string.Concat(Enumerable.Range(0, 0x10000).Select(c => (char)c)));
    }

    private static void ComesBack(string text)
    {
        var parsed = XElement.Parse(Page(page => page.Leaf("p", text, ("title", text)))["<!DOCTYPE html>\n".Length..], LoadOptions.PreserveWhitespace);
        Assert.Equal(VisibleText.Of(text), parsed.Value);
        Assert.Equal(VisibleText.Of(text), parsed.Attribute("title")!.Value);
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\nb\tc\rd\0", "a↵ b c␍d␀")]
    [InlineData("\u202Eevil\u2069", "[U+202E]evil[U+2069]")]
    [InlineData("\uD83D\uDC69\u200D\uD83D\uDCBB caf\u00E9", "\uD83D\uDC69\u200D\uD83D\uDCBB caf\u00E9")]
    [InlineData("\uDB40\uDC41\uFEFF\u0085", "[U+E0041][U+FEFF][U+0085]")]
    public void What_cannot_be_seen_is_spelled_out(string text, string visible) => Assert.Equal(visible, VisibleText.Of(text));

    [Fact]
    public void Half_a_character_becomes_a_replacement_mark() => Assert.Equal("a\uFFFDb\uFFFD", VisibleText.Of("a\uD800b\uDC00"));

    [Fact]
    public void A_long_text_is_cut_with_a_mark_and_no_character_in_two()
    {
        Assert.Equal("abc", VisibleText.Cut("abc", 3));
        Assert.Equal("ab … [1,234 more characters]", VisibleText.Cut("ab" + new string('c', 1234), 2));
        Assert.Equal("a … [3 more characters]", VisibleText.Cut("a\uD83D\uDE00b", 2));
    }

    private static string Page(Action<HtmlWriter> write)
    {
        using var output = new StringWriter();
        write(new HtmlWriter(output));
        return output.ToString();
    }
}
