using FsCheck;
using FsCheck.Fluent;
using Understudy.Hub;

namespace Understudy.Tests.Hub;

public sealed class HubNameTests
{
    [Theory]
    [InlineData("EleutherAI/pythia-70m", "EleutherAI", "pythia-70m", "main", "hf://EleutherAI/pythia-70m")]
    [InlineData("hf://EleutherAI/pythia-70m", "EleutherAI", "pythia-70m", "main", "hf://EleutherAI/pythia-70m")]
    [InlineData("hf://a/b.c_d@refs/pr/12", "a", "b.c_d", "refs/pr/12", "hf://a/b.c_d@refs/pr/12")]
    [InlineData("a/b@main", "a", "b", "main", "hf://a/b")]
    [InlineData("_a/b_@v1.0+x", "_a", "b_", "v1.0+x", "hf://_a/b_@v1.0+x")]
    public void A_name_has_an_owner_and_may_have_a_revision(string text, string owner, string repository, string revision, string canonical)
    {
        Assert.True(HubName.TryParse(text, out var name));
        Assert.Equal((owner, repository, revision, canonical), (name.Owner, name.Repository, name.Revision, name.ToString()));
        Assert.Equal(name, HubName.Parse(canonical));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("a/b/c")]
    [InlineData("./b")]
    [InlineData("../b")]
    [InlineData("/b")]
    [InlineData("a/")]
    [InlineData("~/b")]
    [InlineData("a/b ")]
    [InlineData("a/b@")]
    [InlineData("a/b@../x")]
    [InlineData("a/b@x..y")]
    [InlineData("a/b@/x")]
    [InlineData("a/b@x/")]
    [InlineData("a/b@.hidden")]
    [InlineData("a/b@x.lock")]
    [InlineData("a/b@x\\y")]
    [InlineData("a--b/c")]
    [InlineData("a/b..c")]
    [InlineData("-a/b")]
    [InlineData("a/b-")]
    [InlineData("a/b.git")]
    [InlineData("a\\b/c")]
    [InlineData("hf:a/b")]
    [InlineData("hf:///a/b")]
    [InlineData("https://huggingface.co/a/b")]
    [InlineData("a/b\n")]
    public void Anything_else_is_none(string text) => Assert.False(HubName.TryParse(text, out _));

    [Fact]
    public void Whatever_is_a_name_stays_in_the_cache()
    {
        var pieces = Gen.Elements("a", "B", "7", ".", "..", "-", "_", "/", "@", "\\", " ", "\0", "~", "hf://", "main", "refs", ":", "é");
        var texts = Gen.Select(Gen.ListOf(pieces, 12), parts => string.Concat(parts)).ToArbitrary();
        Prop.ForAll(texts, text =>
        {
            if (!HubName.TryParse(text, out var name))
                return true;
            var cache = new HubCache("/cache");
            string[] paths = [cache.Snapshot(name, "c"), cache.Blob(name, "e"), cache.LockPath(name, "e")];
            return HubName.Parse(name.ToString()) == name && paths.All(path => Path.GetFullPath(path) == path && path.StartsWith("/cache/", StringComparison.Ordinal))
                && name.Revision.Split('/').All(step => step is not ("" or "." or "..")) && text.Count(c => c == '/') <= 20;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void What_is_no_name_is_said_with_what_one_looks_like() => Assert.Equal(
        "expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.'), found 'hf://gpt2'.",
        Assert.Throws<FormatException>(() => HubName.Parse("hf://gpt2")).Message);
}
