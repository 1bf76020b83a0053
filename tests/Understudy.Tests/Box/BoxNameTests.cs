using Understudy.Box;

namespace Understudy.Tests.Box;

public sealed class BoxNameTests
{
    [Theory]
    [InlineData("box://neox-mini", "neox-mini")]
    [InlineData("box://a", "a")]
    [InlineData("box://neox-1.5_b", "neox-1.5_b")]
    public void A_name_is_the_name_of_a_folder(string text, string name)
    {
        Assert.True(BoxName.TryParse(text, out var parsed));
        Assert.Equal((name, text), (parsed.Name, parsed.ToString()));
    }

    [Theory]
    [InlineData("box://")]
    [InlineData("box:///etc")]
    [InlineData("box://..")]
    [InlineData("box://.")]
    [InlineData("box://../x")]
    [InlineData("box://a/b")]
    [InlineData("box://a/../b")]
    [InlineData("box://a..b")]
    [InlineData("box://a\\b")]
    [InlineData("box://.hidden")]
    [InlineData("box://a-")]
    [InlineData("box://Neox-mini")]
    [InlineData("BOX://neox-mini")]
    [InlineData("box:neox-mini")]
    [InlineData("box:/neox-mini")]
    [InlineData("box://neox-mini@main")]
    [InlineData("box://neox-mini/")]
    [InlineData("box://neox mini")]
    [InlineData("box://neox-mini\n")]
    [InlineData("box://ne\0ox")]
    [InlineData("box://néox")]
    [InlineData("box://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Anything_else_that_says_so_is_none(string text)
    {
        Assert.True(BoxName.IsExplicit(text));
        Assert.False(BoxName.TryParse(text, out _));
    }

    [Theory]
    [InlineData("neox-mini")]
    [InlineData("models/neox-mini")]
    [InlineData("hf://box/neox-mini")]
    [InlineData("boxes/neox-mini")]
    public void Other_texts_do_not_mean_the_box(string text) => Assert.False(BoxName.IsExplicit(text) || BoxName.TryParse(text, out _));
}
