using Understudy.Box;

namespace Understudy.Tests.Box;

public sealed class ModelBoxTests
{
    [Fact]
    public void The_box_of_a_checkout_is_its_folder_of_models_and_a_variable_names_another()
    {
        Assert.Equal(Path.Combine(Repository.Root, "models"), ModelBox.FromEnvironment(_ => null).Folder);
        Assert.Equal(Path.Combine(Repository.Root, "models"), ModelBox.FromEnvironment(_ => "").Folder);
        using var folder = new TemporaryFolder();
        Assert.Equal(folder.FullName, ModelBox.FromEnvironment(name => name == "UNDERSTUDY_MODELS" ? folder.FullName : null).Folder);
        Assert.Null(ModelBox.FromEnvironment(_ => folder["nowhere"]).Folder);
    }

    [Fact]
    public void Folders_with_a_name_are_models_whatever_is_in_them()
    {
        using var folder = new TemporaryFolder();
        var box = new ModelBox(folder["box"]);
        Assert.Empty(box.Names);
        foreach (var name in new[] { "neox-mini", "bart-mini", ".git", "Upper", "a b" })
            Directory.CreateDirectory(Path.Combine(folder["box"], name));
        File.WriteAllText(Path.Combine(folder["box"], "readme"), "");
        Assert.Equal(["box://bart-mini", "box://neox-mini"], box.Names.Select(name => name.ToString()));
        Assert.Equal(Path.Combine(folder["box"], "neox-mini"), box.FolderOf("box://neox-mini"));
    }

    [Fact]
    public void A_name_that_is_not_there_is_told_with_those_that_are()
    {
        using var folder = new TemporaryFolder();
        var box = new ModelBox(folder["box"]);
        Assert.Equal(
            $"There is no model 'neox-mini' in the box. Looked for {folder["box"]}, found no such folder. UNDERSTUDY_MODELS names another folder.",
            Assert.Throws<InvalidDataException>(() => box.FolderOf("box://neox-mini")).Message);
        Directory.CreateDirectory(folder["box"]);
        Assert.Equal(
            $"There is no model 'neox-mini' in the box. Looked in {folder["box"]}, found none. UNDERSTUDY_MODELS names another folder.",
            Assert.Throws<InvalidDataException>(() => box.FolderOf("box://neox-mini")).Message);
        Directory.CreateDirectory(Path.Combine(folder["box"], "neox-mini"));
        Directory.CreateDirectory(Path.Combine(folder["box"], "bart-mini"));
        Assert.Equal(
            $"There is no model 'noex-mini' in the box. Did you mean 'neox-mini'? Looked in {folder["box"]}, found bart-mini, neox-mini. UNDERSTUDY_MODELS names another folder.",
            Assert.Throws<InvalidDataException>(() => box.FolderOf("box://noex-mini")).Message);
    }

    [Theory]
    [InlineData("box://../neox-mini")]
    [InlineData("box:///neox-mini")]
    [InlineData("box://")]
    [InlineData("box://NEOX-MINI")]
    [InlineData("neox-mini")]
    public void No_text_leads_out_of_the_box(string text)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["neox-mini"]);
        Assert.Equal(
            $"Expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found '{text}'.",
            Assert.Throws<InvalidDataException>(() => new ModelBox(folder["box"]).FolderOf(text)).Message);
    }
}
